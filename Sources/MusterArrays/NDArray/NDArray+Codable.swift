internal import FoundationEssentials
internal import MusterRuntime

extension NDArray: Codable {
  private enum Key: String, CodingKey {
    case elementType, shape, elements
  }

  /// Writes the shape, and the elements as bytes in this machine's order. For values with arrays among other things: an
  /// array alone crosses ranks, and goes to files, without this.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(Element.elementType.description, forKey: .elementType)
    try container.encode(shape, forKey: .shape)
    try withElements { try container.encode(Data(buffer: $0), forKey: .elements) }
  }

  /// Reads what `encode(to:)` wrote.
  ///
  /// - Throws: `DecodingError` where it is another element type's, or the elements don't fill the shape.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let type = try container.decode(String.self, forKey: .elementType)
    guard type == Element.elementType.description else {
      throw DecodingError.dataCorruptedError(
        forKey: .elementType, in: container, debugDescription: "an array of \(type) isn't one of \(Element.elementType)"
      )
    }
    let shape = try container.decode([Int].self, forKey: .shape)
    let data = try container.decode(Data.self, forKey: .elements)
    var count = MemoryLayout<Element>.stride
    for size in shape {
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: size)
      count = size < 0 || isTooLarge ? -1 : product
      if count < 0 { break }
    }
    guard count == data.count else {
      throw DecodingError.dataCorruptedError(
        forKey: .elements, in: container, debugDescription: "\(data.count) bytes don't fill the shape \(shape)")
    }
    self.init(shape: shape) { buffer in _ = data.copyBytes(to: buffer) }
  }
}
