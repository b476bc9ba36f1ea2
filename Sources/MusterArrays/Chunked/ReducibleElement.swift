public import ComplexModule
internal import MusterRuntime

/// An element type that sums and means are taken of, with the types of their results.
public protocol ReducibleElement: ArrayElement {
  /// The type of sums and products: the type itself, but `Int` or `UInt` for narrower integers, and `Int` for Bool.
  associatedtype Total: ArrayElement
  /// The type of means and variances: the type itself where it is floating point, else `Double`.
  associatedtype Average: ArrayElement
}

extension Double: ReducibleElement {
  public typealias Total = Double
  public typealias Average = Double
}
extension Float: ReducibleElement {
  public typealias Total = Float
  public typealias Average = Float
}
extension Int: ReducibleElement {
  public typealias Total = Int
  public typealias Average = Double
}
extension Int8: ReducibleElement {
  public typealias Total = Int
  public typealias Average = Double
}
extension Int16: ReducibleElement {
  public typealias Total = Int
  public typealias Average = Double
}
extension Int32: ReducibleElement {
  public typealias Total = Int
  public typealias Average = Double
}
extension Int64: ReducibleElement {
  public typealias Total = Int
  public typealias Average = Double
}
extension UInt: ReducibleElement {
  public typealias Total = UInt
  public typealias Average = Double
}
extension UInt8: ReducibleElement {
  public typealias Total = UInt
  public typealias Average = Double
}
extension UInt16: ReducibleElement {
  public typealias Total = UInt
  public typealias Average = Double
}
extension UInt32: ReducibleElement {
  public typealias Total = UInt
  public typealias Average = Double
}
extension UInt64: ReducibleElement {
  public typealias Total = UInt
  public typealias Average = Double
}
extension Bool: ReducibleElement {
  public typealias Total = Int
  public typealias Average = Double
}
extension Complex: ReducibleElement where RealType: ArrayElement {
  public typealias Total = Complex<RealType>
  public typealias Average = Complex<RealType>
}
