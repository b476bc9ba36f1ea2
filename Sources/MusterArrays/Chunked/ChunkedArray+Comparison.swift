infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence
prefix operator .!

extension ChunkedArray {
  /// Where an element equals the other, the arrays broadcast together.
  public static func .== (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray<Bool> { a.binary(.equal, b) }
  /// Where an element equals the number.
  public static func .== (a: ChunkedArray, b: Element) -> ChunkedArray<Bool> { a.binary(.equal, b) }
  /// Where the number equals an element.
  public static func .== (a: Element, b: ChunkedArray) -> ChunkedArray<Bool> { b.binary(a, .equal) }

  /// Where an element doesn't equal the other, the arrays broadcast together.
  public static func .!= (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray<Bool> { a.binary(.notEqual, b) }
  /// Where an element doesn't equal the number.
  public static func .!= (a: ChunkedArray, b: Element) -> ChunkedArray<Bool> { a.binary(.notEqual, b) }
  /// Where the number doesn't equal an element.
  public static func .!= (a: Element, b: ChunkedArray) -> ChunkedArray<Bool> { b.binary(a, .notEqual) }
}

extension ChunkedArray where Element: Comparable {
  /// Where an element is less than the other, the arrays broadcast together.
  public static func .< (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray<Bool> { a.binary(.less, b) }
  /// Where an element is less than the number.
  public static func .< (a: ChunkedArray, b: Element) -> ChunkedArray<Bool> { a.binary(.less, b) }
  /// Where the number is less than an element.
  public static func .< (a: Element, b: ChunkedArray) -> ChunkedArray<Bool> { b.binary(a, .less) }

  /// Where an element is at most the other, the arrays broadcast together.
  public static func .<= (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray<Bool> { a.binary(.lessOrEqual, b) }
  /// Where an element is at most the number.
  public static func .<= (a: ChunkedArray, b: Element) -> ChunkedArray<Bool> { a.binary(.lessOrEqual, b) }
  /// Where the number is at most an element.
  public static func .<= (a: Element, b: ChunkedArray) -> ChunkedArray<Bool> { b.binary(a, .lessOrEqual) }

  /// Where an element is greater than the other, the arrays broadcast together.
  public static func .> (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray<Bool> { a.binary(.greater, b) }
  /// Where an element is greater than the number.
  public static func .> (a: ChunkedArray, b: Element) -> ChunkedArray<Bool> { a.binary(.greater, b) }
  /// Where the number is greater than an element.
  public static func .> (a: Element, b: ChunkedArray) -> ChunkedArray<Bool> { b.binary(a, .greater) }

  /// Where an element is at least the other, the arrays broadcast together.
  public static func .>= (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray<Bool> { a.binary(.greaterOrEqual, b) }
  /// Where an element is at least the number.
  public static func .>= (a: ChunkedArray, b: Element) -> ChunkedArray<Bool> { a.binary(.greaterOrEqual, b) }
  /// Where the number is at least an element.
  public static func .>= (a: Element, b: ChunkedArray) -> ChunkedArray<Bool> { b.binary(a, .greaterOrEqual) }
}

extension ChunkedArray where Element == Bool {
  /// Where both are true, the arrays broadcast together.
  public static func .&& (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.and, b) }
  /// Where either is true, the arrays broadcast together.
  public static func .|| (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.or, b) }
  /// Where it is false.
  public static prefix func .! (a: ChunkedArray) -> ChunkedArray { a.unary(.not) }
}

// Choosing

/// The elements of `a` where the condition holds, elsewhere those of `b`; the arrays broadcast together.
public func which<Element>(
  _ condition: ChunkedArray<Bool>, _ a: ChunkedArray<Element>, _ b: ChunkedArray<Element>
) -> ChunkedArray<Element> {
  select(condition, .array(a.expression), .array(b.expression))
}

/// The elements of `a` where the condition holds, elsewhere a number.
public func which<Element>(
  _ condition: ChunkedArray<Bool>, _ a: ChunkedArray<Element>, _ b: Element
) -> ChunkedArray<Element> {
  select(condition, .array(a.expression), .scalar(ScalarValue(b)))
}

/// A number where the condition holds, elsewhere the elements of `b`.
public func which<Element>(
  _ condition: ChunkedArray<Bool>, _ a: Element, _ b: ChunkedArray<Element>
) -> ChunkedArray<Element> {
  select(condition, .scalar(ScalarValue(a)), .array(b.expression))
}

/// One number where the condition holds, elsewhere another.
public func which<Element: ArrayElement>(
  _ condition: ChunkedArray<Bool>, _ a: Element, _ b: Element
) -> ChunkedArray<Element> {
  select(condition, .scalar(ScalarValue(a)), .scalar(ScalarValue(b)))
}

private func select<Element>(
  _ condition: ChunkedArray<Bool>, _ a: ElementwiseOperation.Argument, _ b: ElementwiseOperation.Argument
) -> ChunkedArray<Element> {
  ChunkedArray(.elementwise(.select, [.array(condition.expression), a, b], as: Element.elementType))
}
