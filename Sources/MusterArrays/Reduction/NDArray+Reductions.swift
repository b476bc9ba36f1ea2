public import ComplexModule
internal import MusterRuntime

extension NDArray {
  /// Reduces over axes (all where they are left out).
  func reducing<Result: ArrayElement>(
    _ reduction: FinalReduction, axes: [Int]?, keepDims: Bool, as type: Result.Type = Result.self
  ) throws -> NDArray<Result> {
    let axes = try Shapes.normalized(axes: axes, rank: shape.count, operation: "\(reduction)")
    var program = ElementwiseProgram()
    let input = program.input(Element.elementType)
    program.finish(program.cast(input, to: reduction.inputType(for: Element.elementType)))
    let partial = try program.reduce([erased], shape: shape, kind: reduction.kind, axes: axes)
    let result = try partial.finish(as: reduction)
    return NDArray<Result>(result.reshaped(Shapes.reduced(shape, axes: axes, keepDims: keepDims)))
  }
}

// Axes count from the front, negative ones from the back; all of them where they are left out. All of these throw
// `MusterError` with code `invalidAxis` for an axis that isn't there or comes twice.

extension NDArray where Element: BinaryFloatingPoint {
  /// The sums over axes: pairwise, Float in Double and rounded once.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray {
    try reducing(.sum, axes: axes, keepDims: keepDims)
  }

  /// The sums along an axis: pairwise, Float in Double and rounded once.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axis: Int, keepDims: Bool = false) throws -> NDArray {
    try reducing(.sum, axes: [axis], keepDims: keepDims)
  }

  /// The products over axes, Float in Double and rounded once.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray {
    try reducing(.product, axes: axes, keepDims: keepDims)
  }

  /// The products along an axis, Float in Double and rounded once.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axis: Int, keepDims: Bool = false) throws -> NDArray {
    try reducing(.product, axes: [axis], keepDims: keepDims)
  }

  /// The means over axes; NaN of no elements.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray {
    try reducing(.mean, axes: axes, keepDims: keepDims)
  }

  /// The means along an axis; NaN of no elements.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean(axis: Int, keepDims: Bool = false) throws -> NDArray {
    try reducing(.mean, axes: [axis], keepDims: keepDims)
  }

  /// The variances over axes, divided by the count less `ddof`, by Chan, Golub and LeVeque's pairwise merge ("Updating
  /// formulae and a pairwise algorithm for computing sample variances", COMPSTAT 1982).
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func variance(axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray {
    try reducing(.variance(ddof: ddof), axes: axes, keepDims: keepDims)
  }

  /// The variances along an axis, divided by the count less `ddof`, by Chan, Golub and LeVeque's pairwise merge ("Updating
  /// formulae and a pairwise algorithm for computing sample variances", COMPSTAT 1982).
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func variance(axis: Int, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray {
    try reducing(.variance(ddof: ddof), axes: [axis], keepDims: keepDims)
  }

  /// The square roots of the variances.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func standardDeviation(axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray {
    try reducing(.standardDeviation(ddof: ddof), axes: axes, keepDims: keepDims)
  }

  /// The square roots of the variances along an axis.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func standardDeviation(axis: Int, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray {
    try reducing(.standardDeviation(ddof: ddof), axes: [axis], keepDims: keepDims)
  }
}

extension NDArray where Element: BinaryInteger {
  /// The means over axes, computed in Double; NaN of no elements.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Double> {
    try reducing(.mean, axes: axes, keepDims: keepDims)
  }

  /// The means along an axis, computed in Double; NaN of no elements.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean(axis: Int, keepDims: Bool = false) throws -> NDArray<Double> {
    try reducing(.mean, axes: [axis], keepDims: keepDims)
  }

  /// The variances over axes, divided by the count less `ddof`, computed in Double.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func variance(axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray<Double> {
    try reducing(.variance(ddof: ddof), axes: axes, keepDims: keepDims)
  }

  /// The variances along an axis, divided by the count less `ddof`, computed in Double.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func variance(axis: Int, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray<Double> {
    try reducing(.variance(ddof: ddof), axes: [axis], keepDims: keepDims)
  }

  /// The square roots of the variances.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func standardDeviation(axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray<Double> {
    try reducing(.standardDeviation(ddof: ddof), axes: axes, keepDims: keepDims)
  }

  /// The square roots of the variances along an axis.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func standardDeviation(axis: Int, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray<Double> {
    try reducing(.standardDeviation(ddof: ddof), axes: [axis], keepDims: keepDims)
  }
}

extension NDArray where Element: SignedInteger {
  /// The sums over axes, as Int, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Int> {
    try reducing(.sum, axes: axes, keepDims: keepDims)
  }

  /// The sums along an axis, as Int, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axis: Int, keepDims: Bool = false) throws -> NDArray<Int> {
    try reducing(.sum, axes: [axis], keepDims: keepDims)
  }

  /// The products over axes, as Int, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Int> {
    try reducing(.product, axes: axes, keepDims: keepDims)
  }

  /// The products along an axis, as Int, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axis: Int, keepDims: Bool = false) throws -> NDArray<Int> {
    try reducing(.product, axes: [axis], keepDims: keepDims)
  }
}

extension NDArray where Element: UnsignedInteger {
  /// The sums over axes, as UInt, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<UInt> {
    try reducing(.sum, axes: axes, keepDims: keepDims)
  }

  /// The sums along an axis, as UInt, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axis: Int, keepDims: Bool = false) throws -> NDArray<UInt> {
    try reducing(.sum, axes: [axis], keepDims: keepDims)
  }

  /// The products over axes, as UInt, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<UInt> {
    try reducing(.product, axes: axes, keepDims: keepDims)
  }

  /// The products along an axis, as UInt, wrapping.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axis: Int, keepDims: Bool = false) throws -> NDArray<UInt> {
    try reducing(.product, axes: [axis], keepDims: keepDims)
  }
}

extension NDArray where Element: Comparable {
  /// The least elements over axes; NaN where there is one.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`, and `invalidArgument` for the minimum of no elements.
  public func min(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray {
    try reducing(.min, axes: axes, keepDims: keepDims)
  }

  /// The least elements along an axis; NaN where there is one.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`, and `invalidArgument` for the minimum of no elements.
  public func min(axis: Int, keepDims: Bool = false) throws -> NDArray {
    try reducing(.min, axes: [axis], keepDims: keepDims)
  }

  /// The greatest elements over axes; NaN where there is one.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`, and `invalidArgument` for the maximum of no elements.
  public func max(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray {
    try reducing(.max, axes: axes, keepDims: keepDims)
  }

  /// The greatest elements along an axis; NaN where there is one.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`, and `invalidArgument` for the maximum of no elements.
  public func max(axis: Int, keepDims: Bool = false) throws -> NDArray {
    try reducing(.max, axes: [axis], keepDims: keepDims)
  }
}

extension NDArray where Element == Bool {
  /// How many elements are true, over axes.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Int> {
    try reducing(.sum, axes: axes, keepDims: keepDims)
  }

  /// How many elements are true, along an axis.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axis: Int, keepDims: Bool = false) throws -> NDArray<Int> {
    try reducing(.sum, axes: [axis], keepDims: keepDims)
  }

  /// Whether any element is true, over axes.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func any(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Bool> {
    try reducing(.any, axes: axes, keepDims: keepDims)
  }

  /// Whether any element is true, along an axis.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func any(axis: Int, keepDims: Bool = false) throws -> NDArray<Bool> {
    try reducing(.any, axes: [axis], keepDims: keepDims)
  }

  /// Whether all elements are true, over axes.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func all(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Bool> {
    try reducing(.all, axes: axes, keepDims: keepDims)
  }

  /// Whether all elements are true, along an axis.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func all(axis: Int, keepDims: Bool = false) throws -> NDArray<Bool> {
    try reducing(.all, axes: [axis], keepDims: keepDims)
  }
}

extension NDArray {
  /// The sums over axes of complex elements: pairwise, in Complex<Double> and rounded once.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum<Real>(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray where Element == Complex<Real> {
    try reducing(.sum, axes: axes, keepDims: keepDims)
  }

  /// The sums along an axis of complex elements: pairwise, in Complex<Double> and rounded once.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum<Real>(axis: Int, keepDims: Bool = false) throws -> NDArray where Element == Complex<Real> {
    try reducing(.sum, axes: [axis], keepDims: keepDims)
  }

  /// The means over axes of complex elements; NaN of no elements.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean<Real>(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray where Element == Complex<Real> {
    try reducing(.mean, axes: axes, keepDims: keepDims)
  }

  /// The means along an axis of complex elements; NaN of no elements.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean<Real>(axis: Int, keepDims: Bool = false) throws -> NDArray where Element == Complex<Real> {
    try reducing(.mean, axes: [axis], keepDims: keepDims)
  }
}
