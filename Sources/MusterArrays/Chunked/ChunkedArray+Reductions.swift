internal import MusterRuntime

// Reductions of each chunk are combined in a tree that depends on the chunks alone: the same chunks give the same bits,
// however many threads and ranks there are. Negative axes count from the last; reduced axes go, or stay with length 1.

extension ChunkedArray where Element: ReducibleElement {
  /// The sum of the elements along one axis.
  public func sum(
    axis: Int, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Total> {
    reduced(.sum, [axis], keepDims, file, line)
  }

  /// The sum of the elements along several axes, or all.
  public func sum(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Total> {
    reduced(.sum, axes, keepDims, file, line)
  }

  /// The product of the elements along one axis.
  public func product(
    axis: Int, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Total> {
    reduced(.product, [axis], keepDims, file, line)
  }

  /// The product of the elements along several axes, or all.
  public func product(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Total> {
    reduced(.product, axes, keepDims, file, line)
  }

  /// The mean of the elements along one axis.
  public func mean(
    axis: Int, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Average> {
    reduced(.mean, [axis], keepDims, file, line)
  }

  /// The mean of the elements along several axes, or all.
  public func mean(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Average> {
    reduced(.mean, axes, keepDims, file, line)
  }
}

extension ChunkedArray where Element: ReducibleElement, Element.Average: BinaryFloatingPoint {
  /// The variance of the elements along one axis: the squares of their deviations from the mean, added up and divided by
  /// their count less `ddof`.
  public func variance(
    axis: Int, ddof: Int = 0, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Average> {
    reduced(.variance(ddof: ddof), [axis], keepDims, file, line)
  }

  /// The variance of the elements along several axes, or all: the squares of their deviations from the mean, added up and
  /// divided by their count less `ddof`.
  public func variance(
    axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Average> {
    reduced(.variance(ddof: ddof), axes, keepDims, file, line)
  }

  /// The square root of the variance along one axis.
  public func standardDeviation(
    axis: Int, ddof: Int = 0, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Average> {
    reduced(.standardDeviation(ddof: ddof), [axis], keepDims, file, line)
  }

  /// The square root of the variance along several axes, or all.
  public func standardDeviation(
    axes: [Int]? = nil, ddof: Int = 0, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element.Average> {
    reduced(.standardDeviation(ddof: ddof), axes, keepDims, file, line)
  }
}

extension ChunkedArray where Element: Comparable {
  /// The smallest element, NaN if there is one, along one axis.
  public func min(
    axis: Int, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.min, [axis], keepDims, file, line)
  }

  /// The smallest element, NaN if there is one, along several axes, or all.
  public func min(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.min, axes, keepDims, file, line)
  }

  /// The largest element, NaN if there is one, along one axis.
  public func max(
    axis: Int, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.max, [axis], keepDims, file, line)
  }

  /// The largest element, NaN if there is one, along several axes, or all.
  public func max(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.max, axes, keepDims, file, line)
  }
}

extension ChunkedArray where Element == Bool {
  /// Whether any element is true, along one axis.
  public func any(
    axis: Int, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.any, [axis], keepDims, file, line)
  }

  /// Whether any element is true, along several axes, or all.
  public func any(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.any, axes, keepDims, file, line)
  }

  /// Whether all elements are true, along one axis.
  public func all(
    axis: Int, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.all, [axis], keepDims, file, line)
  }

  /// Whether all elements are true, along several axes, or all.
  public func all(
    axes: [Int]? = nil, keepDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    reduced(.all, axes, keepDims, file, line)
  }
}

extension ChunkedArray {
  private func reduced<Result>(
    _ reduction: FinalReduction, _ axes: [Int]?, _ keepDims: Bool, _ file: StaticString, _ line: UInt
  ) -> ChunkedArray<Result> {
    ChunkedArray<Result>(
      expression.reduced(
        reduction, axes: axes, keepDims: keepDims, as: Result.elementType,
        callSite: CallSite(file: file, line: line)))
  }
}
