/// How elements of a chunk are reduced to one that can be combined with those of other chunks.
package enum ReductionKind: UInt8, Sendable, Hashable, CaseIterable {
  case sum, product, min, max
  /// Whether any, or all, elements are unequal to zero.
  case any, all
  /// Count, mean and sum of squared deviations.
  case moments

  /// The type of the accumulators for elements of a type, or nil where the kind has none for it.
  ///
  /// Sums and products of Float are accumulated in Double, of integers in Int and UInt (wrapping); of Bool in Int.
  package func accumulatorType(for type: ElementType) -> ElementType? {
    switch self {
    case .sum, .product:
      switch type {
      case .float32, .float64: .float64
      case .complex64, .complex128: .complex128
      case .uint8, .uint16, .uint32, .uint64: .uint64
      default: .int64
      }
    case .min, .max: type.isComplex ? nil : type
    case .any, .all: .bool
    case .moments: type.isComplex ? nil : .float64
    }
  }
}

/// What a reduction yields in the end.
package enum FinalReduction: Sendable, Hashable {
  case sum, product, mean, min, max, any, all
  /// Divided by the count less `ddof` (0: of a population; 1: the unbiased estimate).
  case variance(ddof: Int)
  /// The square root of the variance.
  case standardDeviation(ddof: Int)

  /// What each chunk is reduced to.
  package var kind: ReductionKind {
    switch self {
    case .sum, .mean: .sum
    case .product: .product
    case .min: .min
    case .max: .max
    case .any: .any
    case .all: .all
    case .variance, .standardDeviation: .moments
    }
  }

  /// What elements have to be cast to before `kind` is applied: means of integers are sums of Double, which don't wrap.
  package func inputType(for type: ElementType) -> ElementType {
    switch self {
    case .mean, .variance, .standardDeviation: type.floatingType
    default: type
    }
  }

  /// The element type of the result, or nil where the reduction has none for elements of that type.
  package func resultType(for type: ElementType) -> ElementType? {
    switch self {
    case .sum, .product:
      type.isFloatingPoint || type.isComplex ? type : kind.accumulatorType(for: type)
    case .mean: type.floatingType
    case .min, .max: type.isComplex ? nil : type
    case .any, .all: .bool
    case .variance, .standardDeviation: type.isComplex ? nil : type.floatingType
    }
  }
}
