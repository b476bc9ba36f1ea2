public import MusterRuntime

/// A lazy array in chunks: a description of what is to be computed, with its shape, chunks and element type.
///
/// Operations build the description and return at once. `compute()` and `write(to:dataset:)` run it: they are
/// collective, so every rank has to call them in the same order, with arrays built by the same calls.
///
/// Operators can't throw. Misuse, such as shapes that don't broadcast, makes an array that remembers its first error:
/// `validate()` throws it, and so does every collective.
public struct ChunkedArray<Element: ArrayElement>: Sendable {
  let expression: ArrayExpression

  /// - Precondition: the expression's elements are `Element`s, or it is poisoned.
  init(_ expression: ArrayExpression) {
    precondition(expression.elementType == Element.elementType || expression.failure != nil)
    self.expression = expression
  }

  /// The lengths of the axes; empty for a single number, and for an array with an error.
  public var shape: [Int] { expression.shape }
  /// The number of axes.
  public var dimensions: Int { expression.shape.count }
  /// The number of elements.
  public var count: Int { expression.grid.elementCount }
  /// How the array is cut into chunks.
  public var grid: ChunkGrid { expression.grid }
  /// The session that computes the array.
  public var session: Session { expression.session }
  /// The same array with its element type as a value.
  public var erased: AnyChunkedArray { AnyChunkedArray(expression) }

  /// Throws the error that building the array met, if there was one.
  ///
  /// - Throws: `MusterError`; `callSite` says which call, where that call could carry one.
  @discardableResult
  public func validate() throws -> Self {
    if let failure = expression.failure { throw failure }
    return self
  }
}

extension ChunkedArray: CustomStringConvertible {
  /// `ChunkedArray<Double> [240, 37, 49] in 4 chunks`; nothing is computed.
  public var description: String {
    if let failure = expression.failure { return "ChunkedArray<\(Element.elementType)> with an error: \(failure)" }
    return "ChunkedArray<\(Element.elementType)> \(shape) in \(grid.count) chunk\(grid.count == 1 ? "" : "s")"
  }
}

/// A lazy array in chunks whose element type is a value: what a dataset opens as before a program has looked at it.
public struct AnyChunkedArray: Sendable {
  let expression: ArrayExpression

  init(_ expression: ArrayExpression) { self.expression = expression }

  /// The type of the elements.
  public var elementType: ElementType { expression.elementType }
  /// The lengths of the axes.
  public var shape: [Int] { expression.shape }
  /// How the array is cut into chunks.
  public var grid: ChunkGrid { expression.grid }
  /// The session that computes the array.
  public var session: Session { expression.session }

  /// The array as one of `Element`s, which its elements have to be.
  ///
  /// - Throws: `MusterError` with code `elementTypeMismatch`, naming both types; `asType(_:)` converts instead.
  public func `as`<Element: ArrayElement>(
    _ type: Element.Type = Element.self, file: StaticString = #fileID, line: UInt = #line
  ) throws -> ChunkedArray<Element> {
    guard elementType == Element.elementType else {
      throw MusterError(
        .elementTypeMismatch,
        "\(expression.operation.name): the elements are \(elementType), not \(Element.elementType)",
        fix: "Open it as \(elementType), or convert it: asType(\(Element.elementType).self)",
        callSite: CallSite(file: file, line: line))
    }
    return ChunkedArray(expression)
  }

  /// The array with its elements converted; see `ChunkedArray.asType(_:)`.
  public func asType<Element: ArrayElement>(
    _ type: Element.Type = Element.self, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element> {
    ChunkedArray(expression.cast(to: Element.elementType, callSite: CallSite(file: file, line: line)))
  }

  /// Throws the error that building the array met, if there was one.
  ///
  /// - Throws: `MusterError`; `callSite` says which call, where that call could carry one.
  @discardableResult
  public func validate() throws -> Self {
    if let failure = expression.failure { throw failure }
    return self
  }
}
