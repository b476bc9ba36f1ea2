public import ComplexModule
internal import MusterRuntime

/// An element type that sums and means are taken of, with the types of their results. The defaults are those of signed
/// integers.
public protocol ReducibleElement: ArrayElement {
  /// The type of sums and products: the type itself, but `Int` or `UInt` for narrower integers, and `Int` for Bool.
  associatedtype Total: ArrayElement = Int
  /// The type of means and variances: the type itself where it is floating point, else `Double`.
  associatedtype Average: ArrayElement = Double
}

extension Double: ReducibleElement {
  /// Sums of doubles are doubles.
  public typealias Total = Double
}
extension Float: ReducibleElement {
  /// Sums of floats are floats: added up as doubles, and rounded at the end.
  public typealias Total = Float
  /// Means of floats are floats.
  public typealias Average = Float
}
extension Int: ReducibleElement {}
extension Int8: ReducibleElement {}
extension Int16: ReducibleElement {}
extension Int32: ReducibleElement {}
extension Int64: ReducibleElement {}
extension UInt: ReducibleElement {
  /// Sums of unsigned integers have 64 bits and no sign.
  public typealias Total = UInt
}
extension UInt8: ReducibleElement {
  /// Sums of unsigned integers have 64 bits and no sign.
  public typealias Total = UInt
}
extension UInt16: ReducibleElement {
  /// Sums of unsigned integers have 64 bits and no sign.
  public typealias Total = UInt
}
extension UInt32: ReducibleElement {
  /// Sums of unsigned integers have 64 bits and no sign.
  public typealias Total = UInt
}
extension UInt64: ReducibleElement {
  /// Sums of unsigned integers have 64 bits and no sign.
  public typealias Total = UInt
}
extension Bool: ReducibleElement {}
extension Complex: ReducibleElement where RealType: ArrayElement {
  /// Sums of complex numbers are complex numbers of the same width, added up with `Double` parts.
  public typealias Total = Complex<RealType>
  /// Means of complex numbers are complex numbers of the same width.
  public typealias Average = Complex<RealType>
}
