internal import FoundationEssentials

/// What is told of an error of any type.
enum ErrorText {
  /// Its own words, where it has some; a case of an enumeration with the type's name, which says little without it.
  /// Cut where it is long: it goes to every rank, and into messages.
  static func of(_ error: any Error) -> String {
    cut(whole(error))
  }

  static func cut(_ text: String) -> String {
    let cut = text.prefix(mostCharacters)
    return cut.endIndex == text.endIndex ? text : cut + "…"
  }

  private static let mostCharacters = 4000

  private static func whole(_ error: any Error) -> String {
    if error is any CustomStringConvertible { return "\(error)" }
    if let words = (error as? any LocalizedError)?.errorDescription { return words }
    return Mirror(reflecting: error).displayStyle == .enum ? "\(type(of: error)).\(error)" : "\(error)"
  }
}
