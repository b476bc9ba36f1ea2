// Each function is a method, and a free function of the same name, as in MLX.

extension ChunkedArray where Element: BinaryFloatingPoint {
  /// The square root of each element.
  public func sqrt() -> ChunkedArray { unary(.sqrt) }
  /// e to the power of each element.
  public func exp() -> ChunkedArray { unary(.exp) }
  /// e to the power of each element, less 1; exact near 0.
  public func expm1() -> ChunkedArray { unary(.expm1) }
  /// The natural logarithm of each element.
  public func log() -> ChunkedArray { unary(.log) }
  /// The natural logarithm of 1 plus each element; exact near 0.
  public func log1p() -> ChunkedArray { unary(.log1p) }
  /// The logarithm of each element to base 2.
  public func log2() -> ChunkedArray { unary(.log2) }
  /// The logarithm of each element to base 10.
  public func log10() -> ChunkedArray { unary(.log10) }
  /// The sine of each element, in radians.
  public func sin() -> ChunkedArray { unary(.sin) }
  /// The cosine of each element, in radians.
  public func cos() -> ChunkedArray { unary(.cos) }
  /// The tangent of each element, in radians.
  public func tan() -> ChunkedArray { unary(.tan) }
  /// The inverse sine of each element, in radians.
  public func asin() -> ChunkedArray { unary(.asin) }
  /// The inverse cosine of each element, in radians.
  public func acos() -> ChunkedArray { unary(.acos) }
  /// The inverse tangent of each element, in radians.
  public func atan() -> ChunkedArray { unary(.atan) }
  /// The hyperbolic sine of each element.
  public func sinh() -> ChunkedArray { unary(.sinh) }
  /// The hyperbolic cosine of each element.
  public func cosh() -> ChunkedArray { unary(.cosh) }
  /// The hyperbolic tangent of each element.
  public func tanh() -> ChunkedArray { unary(.tanh) }
  /// The largest integer that is at most each element.
  public func floor() -> ChunkedArray { unary(.floor) }
  /// The smallest integer that is at least each element.
  public func ceil() -> ChunkedArray { unary(.ceil) }
  /// The integer nearest to each element, halves going to the even one.
  public func round() -> ChunkedArray { unary(.round) }
  /// 1 divided by each element.
  public func reciprocal() -> ChunkedArray { unary(.reciprocal) }

  /// Where an element is NaN.
  public func isNaN() -> ChunkedArray<Bool> { unary(.isNaN) }
  /// Where an element is neither NaN nor infinite.
  public func isFinite() -> ChunkedArray<Bool> { unary(.isFinite) }
}

extension ChunkedArray where Element: Numeric {
  /// Each element times itself.
  public func square() -> ChunkedArray { unary(.square) }
}

extension ChunkedArray where Element: Comparable & Numeric {
  /// The magnitude of each element. That of an integer's least value is itself.
  public func abs() -> ChunkedArray { unary(.absolute) }
  /// -1, 0 or 1 by the sign of each element.
  public func sign() -> ChunkedArray { unary(.sign) }

  /// Each element to the power of the other array's. A negative power of integers is an error of `compute()`.
  public func pow(_ exponent: ChunkedArray) -> ChunkedArray { binary(.power, exponent) }
  /// Each element to a power.
  public func pow(_ exponent: Element) -> ChunkedArray { binary(.power, exponent) }
}

extension ChunkedArray where Element: Comparable {
  /// The smaller of two elements; NaN where either is.
  public func minimum(_ other: ChunkedArray) -> ChunkedArray { binary(.minimum, other) }
  /// The smaller of each element and a number; NaN where either is.
  public func minimum(_ other: Element) -> ChunkedArray { binary(.minimum, other) }
  /// The larger of two elements; NaN where either is.
  public func maximum(_ other: ChunkedArray) -> ChunkedArray { binary(.maximum, other) }
  /// The larger of each element and a number; NaN where either is.
  public func maximum(_ other: Element) -> ChunkedArray { binary(.maximum, other) }
  /// Each element, but at least `min` and at most `max`; NaN stays.
  public func clip(min: Element, max: Element) -> ChunkedArray { maximum(min).minimum(max) }
}

extension ChunkedArray where Element: BinaryFloatingPoint {
  /// The angle of the point (x, y), y being this array, in radians from -π to π.
  public func atan2(_ x: ChunkedArray) -> ChunkedArray { binary(.atan2, x) }
}
