public import RealModule

// Operators can't carry a call site, nor throw: shapes that don't broadcast make an array with an error.

extension ChunkedArray where Element: Numeric {
  /// The sums of the elements, the arrays broadcast together. Integers wrap.
  public static func + (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.add, b) }
  /// As between arrays, with a number for the second.
  public static func + (a: ChunkedArray, b: Element) -> ChunkedArray { a.binary(.add, b) }
  /// As between arrays, with a number for the first.
  public static func + (a: Element, b: ChunkedArray) -> ChunkedArray { b.binary(a, .add) }

  /// The differences of the elements, the arrays broadcast together. Integers wrap.
  public static func - (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.subtract, b) }
  /// As between arrays, with a number for the second.
  public static func - (a: ChunkedArray, b: Element) -> ChunkedArray { a.binary(.subtract, b) }
  /// As between arrays, with a number for the first.
  public static func - (a: Element, b: ChunkedArray) -> ChunkedArray { b.binary(a, .subtract) }

  /// The products of the elements, the arrays broadcast together. Integers wrap.
  public static func * (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.multiply, b) }
  /// As between arrays, with a number for the second.
  public static func * (a: ChunkedArray, b: Element) -> ChunkedArray { a.binary(.multiply, b) }
  /// As between arrays, with a number for the first.
  public static func * (a: Element, b: ChunkedArray) -> ChunkedArray { b.binary(a, .multiply) }

  /// `a = a + b`: the result has the shape that both broadcast to, which may be larger than `a` was.
  public static func += (a: inout ChunkedArray, b: ChunkedArray) { a = a + b }
  /// `a = a - b`; the shape may grow by broadcasting.
  public static func -= (a: inout ChunkedArray, b: ChunkedArray) { a = a - b }
  /// `a = a * b`; the shape may grow by broadcasting.
  public static func *= (a: inout ChunkedArray, b: ChunkedArray) { a = a * b }
}

extension ChunkedArray where Element: SignedNumeric {
  /// The elements with the other sign.
  public static prefix func - (a: ChunkedArray) -> ChunkedArray { a.unary(.negate) }
}

extension ChunkedArray where Element: AlgebraicField {
  /// The quotients of the elements, the arrays broadcast together.
  public static func / (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.divide, b) }
  /// As between arrays, with a number for the second.
  public static func / (a: ChunkedArray, b: Element) -> ChunkedArray { a.binary(.divide, b) }
  /// As between arrays, with a number for the first.
  public static func / (a: Element, b: ChunkedArray) -> ChunkedArray { b.binary(a, .divide) }

  /// `a = a / b`; the shape may grow by broadcasting.
  public static func /= (a: inout ChunkedArray, b: ChunkedArray) { a = a / b }
}

extension ChunkedArray where Element: BinaryInteger {
  /// The quotients of the elements, rounded towards zero. A divisor of 0 is an error of `compute()`.
  public static func / (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.divide, b) }
  /// As between arrays, with a number for the second.
  public static func / (a: ChunkedArray, b: Element) -> ChunkedArray { a.binary(.divide, b) }
  /// As between arrays, with a number for the first.
  public static func / (a: Element, b: ChunkedArray) -> ChunkedArray { b.binary(a, .divide) }

  /// The remainders of division towards zero, with the sign of the dividend.
  public static func % (a: ChunkedArray, b: ChunkedArray) -> ChunkedArray { a.binary(.remainder, b) }
  /// As between arrays, with a number for the second.
  public static func % (a: ChunkedArray, b: Element) -> ChunkedArray { a.binary(.remainder, b) }
}

extension ChunkedArray {
  /// The array with its elements converted.
  ///
  /// Integers wrap; floating point goes to integers towards zero and saturates, NaN becoming 0; complex numbers go to
  /// real ones by their real part; to Bool everything but zero is true.
  public func asType<Result: ArrayElement>(
    _ type: Result.Type = Result.self, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Result> {
    erased.asType(type, file: file, line: line)
  }
}

// What operators and functions are made of

extension ChunkedArray {
  func unary<Result>(_ operation: UnaryOperation) -> ChunkedArray<Result> {
    ChunkedArray<Result>(.elementwise(.unary(operation), [.array(expression)], as: Result.elementType))
  }

  func binary<Result>(_ operation: BinaryOperation, _ other: ChunkedArray) -> ChunkedArray<Result> {
    ChunkedArray<Result>(
      .elementwise(
        .binary(operation), [.array(expression), .array(other.expression)], as: Result.elementType))
  }

  func binary<Result>(_ operation: BinaryOperation, _ number: Element) -> ChunkedArray<Result> {
    ChunkedArray<Result>(
      .elementwise(
        .binary(operation), [.array(expression), .scalar(ScalarValue(number))], as: Result.elementType))
  }

  func binary<Result>(_ number: Element, _ operation: BinaryOperation) -> ChunkedArray<Result> {
    ChunkedArray<Result>(
      .elementwise(
        .binary(operation), [.scalar(ScalarValue(number)), .array(expression)], as: Result.elementType))
  }
}
