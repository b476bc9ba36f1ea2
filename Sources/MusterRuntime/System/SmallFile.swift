internal import Glibc

/// Files of the kernel's: small, and whole in one read.
enum SmallFile {
  /// Why a file can't be read, as the system numbers it.
  struct Failure: Error {
    var number: Int32
    /// There is no such file, or what it told of, such as a process, has gone meanwhile.
    var isOfMissingFile: Bool { number == ENOENT || number == ESRCH }
  }

  static func contents(of path: String) -> Result<String, Failure> {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return .failure(Failure(number: errno)) }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(file, &buffer, buffer.count)
    guard count >= 0 else { return .failure(Failure(number: errno)) }
    return .success(String(decoding: buffer[..<count], as: UTF8.self))
  }

  static func read(_ path: String) -> String? { try? contents(of: path).get() }
}
