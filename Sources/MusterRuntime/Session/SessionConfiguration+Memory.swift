internal import MusterUnits

extension SessionConfiguration {
  /// A number of bytes from text, for `memoryLimit`: `try SessionConfiguration.bytes("4 GB")`.
  ///
  /// `kB` to `EB` are powers of 1000, `KiB` to `EiB` and the letters alone powers of 1024. Case and spaces don't matter.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`, which names the forms that there are.
  public static func bytes(_ text: String) throws(MusterError) -> Int {
    guard let bytes = ByteSize.parse(text) else {
      throw MusterError(.invalidArgument, "'\(text)' isn't a number of bytes", fix: "Use \(ByteSize.forms)")
    }
    return bytes
  }

  /// The memory limit that is set here or in the environment; nil where it's left to the machine.
  func resolvedMemoryLimit(with environment: [String: String]) throws(MusterError) -> Int? {
    if let memoryLimit {
      guard memoryLimit > 0 else {
        throw MusterError(
          .invalidArgument, "SessionConfiguration.memoryLimit is \(memoryLimit)", fix: "Use a number of bytes above 0")
      }
      return memoryLimit
    }
    guard let text = environment["MUSTER_MEMORY_LIMIT"], !text.isEmpty else { return nil }
    guard let bytes = ByteSize.parse(text) else {
      throw MusterError(.invalidArgument, "MUSTER_MEMORY_LIMIT is '\(text)'", fix: "Use \(ByteSize.forms)")
    }
    return bytes
  }
}
