internal import MusterRuntime

/// What a subscript of an array takes for an axis: an integer, a range, `.stride(from:to:by:)`, `.ellipsis` or
/// `.newAxis`.
public protocol ArrayIndexing: Sendable {
  /// The part of an axis, or of the shape, that this stands for.
  var arrayIndex: ArrayIndex { get }
}

/// A part of an axis, or of the shape.
///
/// Negative positions count from the end of the axis: -1 is its last element. Nothing is clamped: a position beyond the
/// axis is an error.
public struct ArrayIndex: ArrayIndexing, Sendable, Hashable {
  enum Kind: Hashable {
    /// One element; the axis goes.
    case element(Int)
    /// Every `step`-th element; nil stands for the end that the step's sign gives.
    case range(from: Int?, to: Int?, step: Int)
    /// As many whole axes as are left.
    case ellipsis
    /// A new axis of length 1.
    case newAxis
  }
  var kind: Kind

  /// The index itself.
  public var arrayIndex: ArrayIndex { self }
}

extension ArrayIndexing where Self == ArrayIndex {
  /// The axes that the other indices don't speak of, whole.
  public static var ellipsis: ArrayIndex { ArrayIndex(kind: .ellipsis) }
  /// A new axis of length 1.
  public static var newAxis: ArrayIndex { ArrayIndex(kind: .newAxis) }
  /// Every `by`-th element from `from` up to, and without, `to`. Backwards where `by` is negative; what is left out is
  /// the end of the axis on that side.
  public static func stride(from: Int? = nil, to: Int? = nil, by: Int) -> ArrayIndex {
    ArrayIndex(kind: .range(from: from, to: to, step: by))
  }
}

extension Int: ArrayIndexing {
  /// One element; the axis goes from the shape.
  public var arrayIndex: ArrayIndex { ArrayIndex(kind: .element(self)) }
}
extension Range: ArrayIndexing where Bound == Int {
  /// The elements from the lower bound up to, and without, the upper one.
  public var arrayIndex: ArrayIndex { ArrayIndex(kind: .range(from: lowerBound, to: upperBound, step: 1)) }
}
extension ClosedRange: ArrayIndexing where Bound == Int {
  /// A closed range that ends at -1 ends with the last element.
  public var arrayIndex: ArrayIndex {
    ArrayIndex(kind: .range(from: lowerBound, to: .end(through: upperBound), step: 1))
  }
}
extension PartialRangeFrom: ArrayIndexing where Bound == Int {
  /// The elements from the bound to the end of the axis.
  public var arrayIndex: ArrayIndex { ArrayIndex(kind: .range(from: lowerBound, to: nil, step: 1)) }
}
extension PartialRangeUpTo: ArrayIndexing where Bound == Int {
  /// The elements from the start of the axis up to, and without, the bound.
  public var arrayIndex: ArrayIndex { ArrayIndex(kind: .range(from: nil, to: upperBound, step: 1)) }
}
extension PartialRangeThrough: ArrayIndexing where Bound == Int {
  /// A range through -1 ends with the last element.
  public var arrayIndex: ArrayIndex {
    ArrayIndex(kind: .range(from: nil, to: .end(through: upperBound), step: 1))
  }
}

extension Int? {
  /// Where a range through a position ends: nil, which is the axis's end, for one through the last element.
  fileprivate static func end(through position: Int) -> Int? {
    // No axis is long enough for the largest position: it is found to be out of range as it is.
    position == -1 ? nil : position == .max ? position : position + 1
  }
}

extension ArrayIndex: CustomStringConvertible {
  /// As NumPy writes it: `3`, `2:8`, `::-1`, `...`, `newAxis`.
  public var description: String {
    switch kind {
    case .element(let index): "\(index)"
    case .range(let from, let to, let step):
      "\(from.map { "\($0)" } ?? ""):\(to.map { "\($0)" } ?? "")\(step == 1 ? "" : ":\(step)")"
    case .ellipsis: "..."
    case .newAxis: "newAxis"
    }
  }
}

/// Elements of an axis: `count` of them from `start` on, `step` apart.
struct AxisSelection: Sendable, Hashable {
  var start: Int
  var step: Int
  var count: Int
}

extension AxisSelection {
  /// The elements from `start` up to, or with a negative step down to, and without, `end`.
  init(start: Int, end: Int, step: Int) {
    let distance = step > 0 ? end - start : start - end
    let count = distance > 0 ? Int(UInt(distance - 1) / step.magnitude) + 1 : 0
    // The step of one element says nothing, and may be larger than what can be reckoned with.
    self.init(start: max(start, 0), step: count > 1 ? step : 1, count: count)
  }
}

/// Indices resolved against a shape.
struct ResolvedIndices: Sendable {
  /// What is taken of each axis of the array.
  var selections: [AxisSelection]
  /// The axis that each axis of the result comes from; nil for a new one.
  var resultAxes: [Int?]

  init(selections: [AxisSelection], resultAxes: [Int?]) {
    self.selections = selections
    self.resultAxes = resultAxes
  }

  /// - Throws: `MusterError` with code `invalidAxis` or `indexOutOfRange`, naming the indices and the shape.
  init(_ indices: [ArrayIndex], shape: [Int]) throws(MusterError) {
    let text = "[" + indices.map(\.description).joined(separator: ", ") + "]"
    let used = indices.filter { $0.kind != .ellipsis && $0.kind != .newAxis }.count
    let ellipses = indices.filter { $0.kind == .ellipsis }.count
    guard ellipses <= 1 else {
      throw MusterError(.invalidAxis, "the subscript \(text) has \(ellipses) ellipses", fix: "Use one at most")
    }
    guard used <= shape.count else {
      throw MusterError(
        .invalidAxis,
        "the subscript \(text) speaks of \(used) axes, the array of shape \(shape) has \(shape.count)",
        fix: "Leave out the indices that are too many")
    }
    var indices = indices
    if ellipses == 0 { indices.append(ArrayIndex(kind: .ellipsis)) }
    selections = []
    resultAxes = []
    for index in indices {
      switch index.kind {
      case .newAxis:
        resultAxes.append(nil)
      case .ellipsis:
        for _ in 0..<shape.count - used {
          resultAxes.append(selections.count)
          selections.append(AxisSelection(start: 0, step: 1, count: shape[selections.count]))
        }
      case .element(let element):
        let length = shape[selections.count]
        let position = element < 0 ? element + length : element
        guard (0..<length).contains(position) else {
          throw Self.outOfRange(element, axis: selections.count, text: text, shape: shape)
        }
        selections.append(AxisSelection(start: position, step: 1, count: 1))
      case .range(let from, let to, let step):
        resultAxes.append(selections.count)
        selections.append(
          try Self.selection(from: from, to: to, step: step, axis: selections.count, text: text, shape: shape))
      }
    }
  }

  private static func selection(
    from: Int?, to: Int?, step: Int, axis: Int, text: String, shape: [Int]
  ) throws(MusterError) -> AxisSelection {
    guard step != 0 else {
      throw MusterError(.invalidArgument, "the subscript \(text) has a step of 0", fix: "Use another step")
    }
    let length = shape[axis]
    func position(_ value: Int) throws(MusterError) -> Int {
      let position = value < 0 ? value + length : value
      guard (0...length).contains(position) else { throw outOfRange(value, axis: axis, text: text, shape: shape) }
      return position
    }
    if step > 0 {
      let start = try from.map(position) ?? 0
      let end = try to.map(position) ?? length
      return AxisSelection(start: start, end: end, step: step)
    }
    let start = try from.map(position) ?? length - 1
    let end = try to.map(position) ?? -1
    guard start < length else { throw outOfRange(from ?? start, axis: axis, text: text, shape: shape) }
    return AxisSelection(start: start, end: end, step: step)
  }

  private static func outOfRange(_ value: Int, axis: Int, text: String, shape: [Int]) -> MusterError {
    MusterError(
      .indexOutOfRange,
      "\(value) in the subscript \(text) lies outside axis \(axis) of an array of shape \(shape)",
      fix: "Use positions from \(-shape[axis]) up to \(shape[axis])")
  }
}
