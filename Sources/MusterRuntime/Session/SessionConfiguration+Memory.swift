extension SessionConfiguration {
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
    guard let bytes = Self.bytes(text) else {
      throw MusterError(
        .invalidArgument, "MUSTER_MEMORY_LIMIT is '\(text)'",
        fix: "Use a whole number of bytes above 0, or one with K, M, G or T behind it, such as 8G")
    }
    return bytes
  }

  /// `1048576`, `1024K` and `1M` are the same.
  static func bytes(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), number > 0 else { return nil }
    let exponents = ["": 0, "K": 10, "M": 20, "G": 30, "T": 40]
    guard let exponent = exponents[text.dropFirst(digits.count).uppercased()] else { return nil }
    let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: 1 << exponent)
    return isTooLarge ? nil : bytes
  }
}
