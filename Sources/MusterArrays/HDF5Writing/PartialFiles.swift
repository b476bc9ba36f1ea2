import Glibc

/// The names of files that are being written: that of the file, 16 hexadecimal digits, and `.partial`. A process that
/// compresses has a file of its own for what it has compressed, with a minus sign and 16 further digits before `.partial`.
///
/// The digits are another number for each write. So a program finds its own file under the name or none, whatever
/// others write at the same time, and on whichever node: an inode's number is given again as soon as it is free, which
/// over NFS a descriptor on another node doesn't prevent, and a node may remember for a while what had a name before.
enum PartialFiles {
  private static let suffix = ".partial"
  private static let digitCount = 16

  static func newName(for destination: String) -> String {
    destination + "." + digits(of: .random(in: .min ... .max)) + suffix
  }

  /// The file of a process for what it has compressed of a partial file; without a number what all their names begin with.
  static func spoolName(of partialPath: String, _ number: UInt64?) -> String {
    partialPath.dropLast(suffix.count) + "-" + (number.map { digits(of: $0) + suffix } ?? "")
  }

  private static func digits(of number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: digitCount - digits.count) + digits
  }

  /// Removes what killed jobs left of a file: their space may be what the next needs.
  ///
  /// A job that still writes that file finds out when it opens its own or names it. What can't be removed stays: it is in
  /// nobody's way.
  static func removeAll(of destination: String) {
    remove(beginning: name(of: destination) + ".", in: HDF5WriteTarget.folder(of: destination)) { rest in
      let parts = rest.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.allSatisfy(isDigits)
    }
  }

  /// Removes what was compressed of a partial file.
  static func removeSpools(of partialPath: String) {
    remove(
      beginning: name(of: partialPath).dropLast(suffix.count) + "-", in: HDF5WriteTarget.folder(of: partialPath),
      where: isDigits)
  }

  private static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }

  private static func isDigits(_ text: Substring) -> Bool {
    text.count == digitCount && text.allSatisfy { "0123456789abcdef".contains($0) }
  }

  /// Removes the partial files of a folder whose names have a start, and between that and the end what is looked for.
  private static func remove(beginning start: String, in folder: String, where isWanted: (Substring) -> Bool) {
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
      }
      guard name.hasPrefix(start), name.hasSuffix(suffix), name.count >= start.count + suffix.count else { continue }
      if isWanted(name.dropFirst(start.count).dropLast(suffix.count)) { found.append(name) }
    }
    for name in found { unlink(folder + "/" + name) }
  }
}
