public import MusterRuntime

extension Session {
  /// An array in memory as a lazy one. Every rank has to pass the same elements: of arrays of more than 64 KiB a sample
  /// of them is compared.
  ///
  /// The elements are copied once, unless there is one chunk only. A bad chunk shape is an error of the result.
  public func array<Element>(
    _ array: NDArray<Element>, chunks: Chunks = .auto, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element> {
    let contents = array.withContents { ValueDigest.text(of: $0) }
    return source(
      "array", shape: array.shape, chunks: chunks, detail: "contents \(contents)", CallSite(file: file, line: line)
    ) { grid throws(MusterError) in
      try MemoryOperation(array.erased, grid: grid)
    }
  }

  /// An array of one value.
  public func full<Element: ArrayElement>(
    _ shape: [Int], _ value: Element, chunks: Chunks = .auto, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element> {
    source("full", shape: shape, chunks: chunks, detail: "\(value)", CallSite(file: file, line: line)) { _ in
      FillOperation(value: ScalarValue(value))
    }
  }

  /// An array of zeros.
  public func zeros<Element: ArrayElement & Numeric>(
    _ shape: [Int], as type: Element.Type = Element.self, chunks: Chunks = .auto, file: StaticString = #fileID,
    line: UInt = #line
  ) -> ChunkedArray<Element> {
    full(shape, Element.zero, chunks: chunks, file: file, line: line)
  }

  /// An array of ones.
  public func ones<Element: ArrayElement & Numeric>(
    _ shape: [Int], as type: Element.Type = Element.self, chunks: Chunks = .auto, file: StaticString = #fileID,
    line: UInt = #line
  ) -> ChunkedArray<Element> {
    full(shape, 1, chunks: chunks, file: file, line: line)
  }

  /// 0, 1, 2 and so on below `stop`.
  public func arange<Element: ArrayElement & BinaryFloatingPoint>(
    _ stop: Element, chunks: Chunks = .auto, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element> {
    arange(0, stop, chunks: chunks, file: file, line: line)
  }

  /// 0, 1, 2 and so on below `stop`.
  public func arange<Element: ArrayElement & FixedWidthInteger>(
    _ stop: Element, chunks: Chunks = .auto, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element> {
    arange(0, stop, chunks: chunks, file: file, line: line)
  }

  /// `start`, `start + step`, … up to, and without, `stop`: ⌈(stop - start) / step⌉ elements.
  ///
  /// Element i is `start + i * step`, rounded once for the product and once for the sum, whatever the chunks. With a step
  /// that has no exact value, such as 0.1, the quotient's rounding decides whether there is one element more; `linspace`
  /// takes the number of elements instead.
  public func arange<Element: ArrayElement & BinaryFloatingPoint>(
    _ start: Element, _ stop: Element, step: Element = 1, chunks: Chunks = .auto,
    file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element> {
    let count = ((stop - start) / step).rounded(.up)
    return arange(start, step, count: count > 0 ? Int(exactly: count) : count.isNaN ? nil : 0, chunks, file, line) {
      start + Element($0) * step
    }
  }

  /// `start`, `start + step`, … up to, and without, `stop`.
  public func arange<Element: ArrayElement & FixedWidthInteger>(
    _ start: Element, _ stop: Element, step: Element = 1, chunks: Chunks = .auto,
    file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray<Element> {
    let (first, distance) = (Int128(start), Int128(stop) - Int128(start))
    let stride = Int128(step)
    let count = stride == 0 ? 0 : max(0, (distance + stride - stride.signum()) / stride)
    return arange(start, step, count: Int(exactly: count), chunks, file, line) {
      Element(truncatingIfNeeded: first + Int128($0) * stride)
    }
  }

  private func arange<Element: ArrayElement & Numeric>(
    _ start: Element, _ step: Element, count: Int?, _ chunks: Chunks, _ file: StaticString, _ line: UInt,
    element: @escaping @Sendable (Int) -> Element
  ) -> ChunkedArray<Element> {
    let callSite = CallSite(file: file, line: line)
    guard step != .zero else {
      return poisoned(
        "arange", MusterError(.invalidArgument, "arange: the step is 0", fix: "Use another step"), callSite)
    }
    guard let count else {
      return poisoned(
        "arange",
        MusterError(
          .invalidArgument, "arange: from \(start) by steps of \(step) there is no end that can be counted to",
          fix: "Use finite bounds, and fewer than 2⁶³ elements"), callSite)
    }
    return source("arange", shape: [count], chunks: chunks, detail: "\(start) \(step)", callSite) { _ in
      GenerateOperation(name: "arange", cost: .pass) { region in
        try NDArray<Element>(allocating: region.shape) { buffer in
          for index in buffer.indices { buffer.initializeElement(at: index, to: element(region.origin[0] + index)) }
        }.erased
      }
    }
  }

  /// `count` numbers from `start` to `stop`, both included, at equal distances.
  public func linspace<Element: ArrayElement & BinaryFloatingPoint>(
    _ start: Element, _ stop: Element, count: Int, chunks: Chunks = .auto, file: StaticString = #fileID,
    line: UInt = #line
  ) -> ChunkedArray<Element> {
    source(
      "linspace", shape: [count], chunks: chunks, detail: "\(start) \(stop)", CallSite(file: file, line: line)
    ) { _ in
      GenerateOperation(name: "linspace", cost: .pass) { region in
        let step = count > 1 ? (stop - start) / Element(count - 1) : 0
        return try NDArray<Element>(allocating: region.shape) { buffer in
          for index in buffer.indices {
            let position = region.origin[0] + index
            let value = position == count - 1 && count > 1 ? stop : start + Element(position) * step
            buffer.initializeElement(at: index, to: value)
          }
        }.erased
      }
    }
  }

  /// An array whose elements are a function of their indices.
  ///
  /// - Parameter body: from the index along each axis the element; the same on every rank. Called on any thread,
  ///   perhaps more than once for an element. What it throws, `compute()` throws on every rank.
  public func fromFunction<Element: ArrayElement>(
    _ shape: [Int], as type: Element.Type = Element.self, chunks: Chunks = .auto, file: StaticString = #fileID,
    line: UInt = #line, _ body: @escaping @Sendable (_ indices: [Int]) throws -> Element
  ) -> ChunkedArray<Element> {
    source("fromFunction", shape: shape, chunks: chunks, CallSite(file: file, line: line)) { _ in
      GenerateOperation(name: "fromFunction", cost: .work) { region in
        try NDArray<Element>(allocating: region.shape) { buffer in
          var indices = region.origin
          for position in buffer.indices {
            buffer.initializeElement(at: position, to: try body(indices))
            var axis = indices.count - 1
            while axis >= 0 {
              indices[axis] += 1
              if indices[axis] < region.origin[axis] + region.shape[axis] { break }
              indices[axis] = region.origin[axis]
              axis -= 1
            }
          }
        }.erased
      }
    }
  }

  private func source<Element>(
    _ name: String, shape: [Int], chunks: Chunks, detail: String = "", _ callSite: CallSite,
    _ operation: (ChunkGrid) throws(MusterError) -> any ArrayOperation
  ) -> ChunkedArray<Element> {
    do {
      let grid = try chunks.grid(for: shape, elementType: Element.elementType, operation: name)
      return ChunkedArray(
        .source(
          self, elementType: Element.elementType, grid: grid, operation: try operation(grid),
          detail: "\(chunks) \(detail)", callSite: callSite))
    } catch {
      return poisoned(name, error, callSite)
    }
  }

  private func poisoned<Element>(_ name: String, _ error: MusterError, _ callSite: CallSite) -> ChunkedArray<Element> {
    ChunkedArray(
      .poisoned(self, name: name, elementType: Element.elementType, failure: error, callSite: callSite))
  }
}
