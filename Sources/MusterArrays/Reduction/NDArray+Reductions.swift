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

extension NDArray where Element: ReducibleElement {
  /// The sums over axes, of Bool the counts of true. Floating point and complex: pairwise, in double precision, rounded
  /// once. Integers wrap, as Int or UInt.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Element.Total> {
    try reducing(.sum, axes: axes, keepDims: keepDims)
  }

  /// The sums along an axis, as over several.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func sum(axis: Int, keepDims: Bool = false) throws -> NDArray<Element.Total> {
    try sum(axes: [axis], keepDims: keepDims)
  }

  /// The products over axes. Floating point and complex: in double precision, rounded once. Integers wrap, as Int or
  /// UInt.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Element.Total> {
    try reducing(.product, axes: axes, keepDims: keepDims)
  }

  /// The products along an axis, as over several.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func product(axis: Int, keepDims: Bool = false) throws -> NDArray<Element.Total> {
    try product(axes: [axis], keepDims: keepDims)
  }

  /// The means over axes, of integers in Double; NaN of no elements.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean(axes: [Int]? = nil, keepDims: Bool = false) throws -> NDArray<Element.Average> {
    try reducing(.mean, axes: axes, keepDims: keepDims)
  }

  /// The means along an axis, as over several.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func mean(axis: Int, keepDims: Bool = false) throws -> NDArray<Element.Average> {
    try mean(axes: [axis], keepDims: keepDims)
  }
}

extension NDArray where Element: ReducibleElement, Element.Average: BinaryFloatingPoint {
  /// The variances over axes, divided by the count less `ddof`, in Double; by Chan, Golub and LeVeque's pairwise merge
  /// ("Updating formulae and a pairwise algorithm for computing sample variances", COMPSTAT 1982).
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func variance(
    axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false
  ) throws -> NDArray<Element.Average> {
    try reducing(.variance(ddof: ddof), axes: axes, keepDims: keepDims)
  }

  /// The variances along an axis, as over several.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func variance(axis: Int, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray<Element.Average> {
    try variance(axes: [axis], ddof: ddof, keepDims: keepDims)
  }

  /// The square roots of the variances.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func standardDeviation(
    axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false
  ) throws -> NDArray<Element.Average> {
    try reducing(.standardDeviation(ddof: ddof), axes: axes, keepDims: keepDims)
  }

  /// The square roots of the variances along an axis.
  ///
  /// - Throws: `MusterError` with code `invalidAxis`.
  public func standardDeviation(axis: Int, ddof: Int = 0, keepDims: Bool = false) throws -> NDArray<Element.Average> {
    try standardDeviation(axes: [axis], ddof: ddof, keepDims: keepDims)
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
