/// The value of an attribute of an HDF5 dataset or file: a string, a number, or a list of them.
///
/// Integers of any width are read as `Int`, floating-point numbers of up to 32 bits as `Float`, others as `Double`; an
/// unsigned integer beyond `Int.max` as `Double`. A list of one element stays a list: NetCDF writes numbers that way.
public enum HDF5Attribute: Hashable, Sendable, Codable {
  /// A string, in UTF-8.
  case string(String)
  /// A list of strings.
  case strings([String])
  /// An integer, written with 64 bits.
  case int(Int)
  /// A list of integers.
  case ints([Int])
  /// A floating-point number of 64 bits.
  case double(Double)
  /// A list of floating-point numbers of 64 bits.
  case doubles([Double])
  /// A floating-point number of 32 bits.
  case float(Float)
  /// A list of floating-point numbers of 32 bits.
  case floats([Float])

  /// The string, also where it is the only one of a list.
  public var stringValue: String? {
    switch self {
    case .string(let value): value
    case .strings(let values) where values.count == 1: values[0]
    default: nil
    }
  }

  /// The number, also where it is the only one of a list.
  public var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .ints(let values) where values.count == 1: Double(values[0])
    case .double(let value): value
    case .doubles(let values) where values.count == 1: values[0]
    case .float(let value): Double(value)
    case .floats(let values) where values.count == 1: Double(values[0])
    default: nil
    }
  }
}

extension HDF5Attribute: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
  /// One string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// One integer.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// One number of 64 bits; `.float(_:)` makes one of 32.
  public init(floatLiteral value: Double) { self = .double(value) }
}

/// An attribute to write, with its name.
package struct HDF5NamedAttribute: Hashable, Sendable, Codable {
  package var name: String
  package var value: HDF5Attribute

  package init(_ name: String, _ value: HDF5Attribute) {
    self.name = name
    self.value = value
  }
}
