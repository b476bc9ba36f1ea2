internal import Glibc

/// The process's environment variables.
enum ProcessEnvironment {
  static var current: [String: String] {
    var result: [String: String] = [:]
    var entry = environ
    while let pointer = entry.pointee {
      let text = String(cString: pointer)
      if let split = text.firstIndex(of: "=") {
        result[String(text[..<split])] = String(text[text.index(after: split)...])
      }
      entry += 1
    }
    return result
  }
}
