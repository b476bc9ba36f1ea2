/// Which stretches of which scratch files are in use, as a value.
///
/// Blocks are appended, one after the other, to a file of about a gigabyte, then to the next: the disk sees large writes in
/// sequence only. A free stretch isn't used again but given back to the file system by punching a hole, which leaves
/// finding space to those who do it best, and what was in the page cache only is never written. A list of free stretches
/// would need blocks of like sizes, and scatter a batch over its gaps. Where the file system knows no holes the space
/// comes back with the file, when nothing in it is in use.
package struct SpillSpace: Sendable {
  package struct File: Sendable {
    package var end = 0
    package var usedBytes = 0
  }

  /// What is to be done to a file where a stretch of it became free.
  package enum Change: Equatable, Sendable {
    case punch
    /// Nothing of it is in use, and it is written to still.
    case truncate
    case remove
  }

  package private(set) var files: [Int: File] = [:]
  private var current = 0
  private let fileSize: Int

  package init(fileSize: Int = 1 << 30) { self.fileSize = fileSize }

  package var usedBytes: Int { files.values.reduce(0) { $0 + $1.usedBytes } }

  /// Space for so many bytes together; the file's number may be new.
  package mutating func reserve(_ byteCount: Int) -> (file: Int, offset: Int) {
    if let file = files[current], file.end > 0, file.end + byteCount > fileSize { current += 1 }
    var file = files[current] ?? File()
    defer { files[current] = file }
    let offset = file.end
    file.end += byteCount
    file.usedBytes += byteCount
    return (current, offset)
  }

  /// A stretch isn't in use any more.
  package mutating func free(file number: Int, byteCount: Int) -> Change {
    files[number]!.usedBytes -= byteCount
    guard files[number]!.usedBytes == 0 else { return .punch }
    if number == current {
      files[number]!.end = 0
      return .truncate
    }
    files[number] = nil
    return .remove
  }
}
