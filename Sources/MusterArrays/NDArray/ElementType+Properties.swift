extension ElementType {
  /// Whether the elements are `Complex<Double>` or `Complex<Float>`.
  public var isComplex: Bool { self == .complex128 || self == .complex64 }
  /// Whether the elements are `Double` or `Float`.
  public var isFloatingPoint: Bool { self == .float64 || self == .float32 }
  /// Whether the elements are integers; Bool isn't one.
  public var isInteger: Bool { isSignedInteger || isUnsignedInteger }

  /// Whether the elements are signed integers.
  public var isSignedInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64: true
    default: false
    }
  }

  /// Whether the elements are unsigned integers.
  public var isUnsignedInteger: Bool {
    switch self {
    case .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }

  /// The type of the real and the imaginary part; the type itself where it isn't complex.
  public var realType: ElementType {
    switch self {
    case .complex128: .float64
    case .complex64: .float32
    default: self
    }
  }

  /// What floating-point functions compute in: the type itself where it is a floating-point or complex one, `Double`
  /// for integers and Bool.
  package var floatingType: ElementType { isFloatingPoint || isComplex ? self : .float64 }
}
