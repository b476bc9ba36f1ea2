/// The value of an attribute of an HDF5 dataset or file: a string, a number, or a list of them.
///
/// Integers of any width are read as `Int`, floating-point numbers of up to 32 bits as `Float`, others as `Double`; an
/// unsigned integer beyond `Int.max` as `Double`. A list of one element stays a list: NetCDF writes numbers that way.
public enum HDF5Attribute: Hashable, Sendable, Codable {
  case string(String)
  case strings([String])
  case int(Int)
  case ints([Int])
  case double(Double)
  case doubles([Double])
  case float(Float)
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
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .int(value) }
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
