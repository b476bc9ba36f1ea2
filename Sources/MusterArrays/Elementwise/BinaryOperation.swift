/// An operation on the elements of two arrays of one element type.
///
/// The raw values are the kernels' numbers in CKernels.h.
package enum BinaryOperation: Int32, Sendable, Hashable, CaseIterable {
  /// Of integers wrapping, as in NumPy.
  case add, subtract, multiply
  /// Of integers towards zero. A zero divisor among integers is an error of the run.
  case divide
  /// With the sign of the dividend, as Swift's `%` and C's `fmod`.
  case remainder
  /// Of integers wrapping; a negative exponent among integers is an error of the run.
  case power
  /// NaN where either is NaN.
  case minimum, maximum
  case atan2
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
  /// Of Bool logical, of integers bitwise.
  case and, or, xor

  /// The element type of the result, or nil where the operation has none for elements of that type.
  package func resultType(for type: ElementType) -> ElementType? {
    switch self {
    case .add, .subtract, .multiply, .divide: type == .bool ? nil : type
    case .remainder, .power: type == .bool || type.isComplex ? nil : type
    case .minimum, .maximum: type.isComplex ? nil : type
    case .atan2: type == .bool || type.isComplex ? nil : type.floatingType
    case .equal, .notEqual: .bool
    case .less, .lessOrEqual, .greater, .greaterOrEqual: type.isComplex ? nil : .bool
    case .and, .or, .xor: type.isInteger || type == .bool ? type : nil
    }
  }

  /// What operands of that type are cast to before the operation.
  func operandType(for type: ElementType) -> ElementType { self == .atan2 ? type.floatingType : type }
}
