/// An operation on each element of one array.
///
/// The raw values are the kernels' numbers in CKernels.h.
package enum UnaryOperation: Int32, Sendable, Hashable, CaseIterable {
  case negate, absolute, square, sign
  case sqrt, reciprocal, floor, ceil, round
  case isNaN, isFinite
  /// Of Bool logical, of integers bitwise.
  case not
  case conjugate, real, imaginary
  case exp, expm1, log, log1p, log2, log10
  case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh

  /// The element type of the result, or nil where the operation has none for elements of that type.
  ///
  /// Functions such as `sqrt` of integers yield `Double`; `floor`, `ceil` and `round` of integers are the integers.
  package func resultType(for type: ElementType) -> ElementType? {
    switch self {
    case .negate, .square: type == .bool ? nil : type
    case .absolute: type == .bool ? nil : type.realType
    case .sign, .floor, .ceil, .round: type.isComplex || type == .bool ? nil : type
    case .reciprocal: type == .bool ? nil : type.floatingType
    case .isNaN, .isFinite: .bool
    case .not: type.isInteger || type == .bool ? type : nil
    case .conjugate: type
    case .real: type.realType
    case .imaginary: type.isComplex ? type.realType : nil
    case .sqrt, .exp, .expm1, .log, .log1p, .log2, .log10, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh:
      type.isComplex || type == .bool ? nil : type.floatingType
    }
  }

  /// What operands of that type are cast to before the operation.
  func operandType(for type: ElementType) -> ElementType {
    switch self {
    case .reciprocal, .isNaN, .isFinite, .sqrt, .exp, .expm1, .log, .log1p, .log2, .log10, .sin, .cos, .tan, .asin,
      .acos, .atan, .sinh, .cosh, .tanh:
      type.floatingType
    default: type
    }
  }

  /// Whether the operation leaves elements of that type as they are.
  func isIdentity(for type: ElementType) -> Bool {
    switch self {
    case .floor, .ceil, .round: type.isInteger
    case .conjugate, .real: !type.isComplex
    case .absolute: type.isUnsignedInteger
    default: false
    }
  }
}
