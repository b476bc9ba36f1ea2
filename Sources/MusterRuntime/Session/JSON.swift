internal import FoundationEssentials

/// Values that cross ranks once a collective: not in the path of tasks. Every `Codable` type goes, infinities included.
enum JSON {
  private struct Box<T: Codable>: Codable { var value: T }

  static func encode<T: Codable>(_ value: T) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return Array(try encoder.encode(Box(value: value)))
  }

  static func decode<T: Codable>(_ type: T.Type, from bytes: some Sequence<UInt8>) throws -> T {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(Box<T>.self, from: Data(bytes)).value
  }
}
