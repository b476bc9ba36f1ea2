internal import FoundationEssentials

/// What is told of an error of any type.
enum ErrorText {
  /// Its own words, where it has some; a case of an enumeration with the type's name, which says little without it.
  static func of(_ error: any Error) -> String {
    if error is any CustomStringConvertible { return "\(error)" }
    if let words = (error as? any LocalizedError)?.errorDescription { return words }
    return Mirror(reflecting: error).displayStyle == .enum ? "\(type(of: error)).\(error)" : "\(error)"
  }
}
