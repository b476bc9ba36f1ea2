// The functions of `ChunkedArray+Functions.swift` as free functions.

/// The square root of each element.
public func sqrt<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.sqrt() }
/// e to the power of each element.
public func exp<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.exp() }
/// e to the power of each element, less 1; exact near 0.
public func expm1<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.expm1() }
/// The natural logarithm of each element.
public func log<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.log() }
/// The natural logarithm of 1 plus each element; exact near 0.
public func log1p<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.log1p() }
/// The logarithm of each element to base 2.
public func log2<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.log2() }
/// The logarithm of each element to base 10.
public func log10<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.log10() }
/// The sine of each element, in radians.
public func sin<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.sin() }
/// The cosine of each element, in radians.
public func cos<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.cos() }
/// The tangent of each element, in radians.
public func tan<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.tan() }
/// The inverse sine of each element, in radians.
public func asin<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.asin() }
/// The inverse cosine of each element, in radians.
public func acos<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.acos() }
/// The inverse tangent of each element, in radians.
public func atan<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.atan() }
/// The hyperbolic sine of each element.
public func sinh<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.sinh() }
/// The hyperbolic cosine of each element.
public func cosh<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.cosh() }
/// The hyperbolic tangent of each element.
public func tanh<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.tanh() }
/// The largest integer that is at most each element.
public func floor<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.floor() }
/// The smallest integer that is at least each element.
public func ceil<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.ceil() }
/// The integer nearest to each element, halves going to the even one.
public func round<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.round() }
/// 1 divided by each element.
public func reciprocal<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> {
  a.reciprocal()
}
/// Where an element is NaN.
public func isNaN<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Bool> { a.isNaN() }
/// Where an element is neither NaN nor infinite.
public func isFinite<Element: BinaryFloatingPoint>(_ a: ChunkedArray<Element>) -> ChunkedArray<Bool> { a.isFinite() }
/// The angle of the point (x, y), in radians from -π to π.
public func atan2<Element: BinaryFloatingPoint>(
  _ y: ChunkedArray<Element>, _ x: ChunkedArray<Element>
) -> ChunkedArray<Element> { y.atan2(x) }
/// Each element times itself.
public func square<Element: Numeric>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.square() }
/// The magnitude of each element.
public func abs<Element: Comparable & Numeric>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.abs() }
/// -1, 0 or 1 by the sign of each element.
public func sign<Element: Comparable & Numeric>(_ a: ChunkedArray<Element>) -> ChunkedArray<Element> { a.sign() }
/// Each element of `a` to the power of `b`'s.
public func pow<Element: Comparable & Numeric>(
  _ a: ChunkedArray<Element>, _ b: ChunkedArray<Element>
) -> ChunkedArray<Element> { a.pow(b) }
/// Each element to a power.
public func pow<Element: Comparable & Numeric>(
  _ a: ChunkedArray<Element>, _ exponent: Element
) -> ChunkedArray<Element> { a.pow(exponent) }
/// The smaller of two elements; NaN where either is.
public func minimum<Element: Comparable>(
  _ a: ChunkedArray<Element>, _ b: ChunkedArray<Element>
) -> ChunkedArray<Element> { a.minimum(b) }
/// The smaller of each element and a number; NaN where either is.
public func minimum<Element: Comparable>(_ a: ChunkedArray<Element>, _ b: Element) -> ChunkedArray<Element> {
  a.minimum(b)
}
/// The larger of two elements; NaN where either is.
public func maximum<Element: Comparable>(
  _ a: ChunkedArray<Element>, _ b: ChunkedArray<Element>
) -> ChunkedArray<Element> { a.maximum(b) }
/// The larger of each element and a number; NaN where either is.
public func maximum<Element: Comparable>(_ a: ChunkedArray<Element>, _ b: Element) -> ChunkedArray<Element> {
  a.maximum(b)
}
/// Each element, but at least `min` and at most `max`; NaN stays.
public func clip<Element: Comparable>(
  _ a: ChunkedArray<Element>, min: Element, max: Element
) -> ChunkedArray<Element> { a.clip(min: min, max: max) }
