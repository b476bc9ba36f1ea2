import Glibc

/// The names of files that are being written: that of the file, 16 hexadecimal digits, and `.partial`.
///
/// The digits are another number for each write. So a program finds its own file under the name or none, whatever
/// others write at the same time, and on whichever node: an inode's number is given again as soon as it is free, which
/// over NFS a descriptor on another node doesn't prevent, and a node may remember for a while what had a name before.
enum PartialFiles {
  private static let suffix = ".partial"
  private static let digitCount = 16

  static func newName(for destination: String) -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return destination + "." + String(repeating: "0", count: digitCount - digits.count) + digits + suffix
  }

  /// Removes what killed jobs left of a file: their space may be what the next needs.
  ///
  /// A job that still writes that file finds out when it opens its own or names it. What can't be removed stays: it is in
  /// nobody's way.
  static func removeAll(of destination: String) {
    let folder = HDF5WriteTarget.folder(of: destination)
    let start = (destination.split(separator: "/").last ?? "") + "."
    guard let stream = opendir(folder) else { return }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
      }
      guard name.hasPrefix(start), name.hasSuffix(suffix) else { continue }
      let digits = name.dropFirst(start.count).dropLast(suffix.count)
      if digits.count == digitCount, digits.allSatisfy({ "0123456789abcdef".contains($0) }) { found.append(name) }
    }
    for name in found { unlink(folder + "/" + name) }
  }
}
