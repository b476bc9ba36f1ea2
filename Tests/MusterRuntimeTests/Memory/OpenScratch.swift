import Foundation

/// Scratch files that this process has open: they have no names any more.
enum OpenScratch {
  /// Ways to the files that were made in a folder, or in one within it.
  static func files(in folder: String) -> [String] {
    let name = URL(fileURLWithPath: folder).lastPathComponent
    return links.filter { $0.target.contains("/\(name)/") && $0.target.hasSuffix(" (deleted)") }.map(\.path)
  }

  /// A way to the file that was made under a path.
  static func file(_ path: String) -> String? {
    let end = URL(fileURLWithPath: path).pathComponents.suffix(2).joined(separator: "/")
    return links.first { $0.target.hasSuffix("/\(end) (deleted)") }?.path
  }

  /// What the files of a folder take on disk, in bytes.
  static func bytes(in folder: String) -> Int {
    files(in: folder).reduce(0) { sum, path in
      var status = stat()
      return stat(path, &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
    }
  }

  private static var links: [(path: String, target: String)] {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return numbers.compactMap { number in
      let path = "/proc/self/fd/\(number)"
      return (try? FileManager.default.destinationOfSymbolicLink(atPath: path)).map { (path, $0) }
    }
  }
}
