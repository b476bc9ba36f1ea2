import Muster
import Testing

@Suite struct ChunkedShapeTests {
  @Test(arguments: 0..<30) func slicesOfAnyChunks(seed: Int) async throws {
    var stream = Stream(seed)
    let shape = [stream.int(1...9), stream.int(1...7), stream.int(1...5)]
    let array = stream.array(shape)
    var subscripts: [any ArrayIndexing] = []
    var picks: [[Int]] = []
    var kept: [Bool] = []
    for length in shape {
      switch stream.int(0...4) {
      case 0:
        let i = stream.int(-length...(length - 1))
        subscripts.append(i)
        picks.append([i < 0 ? i + length : i])
        kept.append(false)
      case 1:
        let from = stream.int(0...length)
        let to = stream.int(from...length)
        subscripts.append(from..<to)
        picks.append(Array(from..<to))
        kept.append(true)
      case 2:
        let step = stream.int(1...3)
        subscripts.append(ArrayIndex.stride(by: -step))
        picks.append(Array(stride(from: length - 1, through: 0, by: -step)))
        kept.append(true)
      case 3:
        let from = stream.int(0...(length - 1))
        let step = stream.int(1...3)
        subscripts.append(ArrayIndex.stride(from: from, by: step))
        picks.append(Array(stride(from: from, to: length, by: step)))
        kept.append(true)
      default:
        subscripts.append(0...)
        picks.append(Array(0..<length))
        kept.append(true)
      }
    }
    let values = indices(of: picks.map(\.count)).map { p in array[at: p.indices.map { picks[$0][p[$0]] }] }
    let expected = NDArray(values, shape: picks.indices.filter { kept[$0] }.map { picks[$0].count })
    let chunks = stream.chunks(shape)
    let result = try await inSession { session async throws in
      let lazy = session.array(array, chunks: chunks)
      return try await lazy[subscripts[0], subscripts[1], subscripts[2]].compute()
    }
    expectEqual(result, expected, "\(shape) \(chunks) \(subscripts.map(\.arrayIndex))")
  }

  @Test func ellipsisAndNewAxis() async throws {
    let array = NDArray<Int>([2, 3, 4]) { $0[0] * 100 + $0[1] * 10 + $0[2] }
    try await inSession { session async throws in
      let a = session.array(array, chunks: [1, 2, 3])
      #expect(a[.ellipsis, .newAxis].shape == [2, 3, 4, 1])
      #expect(a[.newAxis, 1].shape == [1, 3, 4])
      #expect(a[.ellipsis, 0].shape == [2, 3])
      #expect(a[0..., ..<2].shape == [2, 2, 4])
      expectEqual(
        try await a[.ellipsis, .newAxis, -1].compute(), NDArray([2, 3, 1]) { $0[0] * 100 + $0[1] * 10 + 3 })
      #expect(a[0].grid.sizes == [[2, 1], [3, 1]])
    }
  }

  @Test(arguments: 0..<40) func reshapesOfAnyChunks(seed: Int) async throws {
    var stream = Stream(seed)
    let factors = (0..<stream.int(1...5)).map { _ in stream.int(1...6) }
    func grouped() -> [Int] {
      var shape: [Int] = []
      var open = 1
      for factor in factors {
        open *= factor
        if stream.int(0...1) == 0 {
          shape.append(open)
          open = 1
        }
      }
      if open > 1 || stream.int(0...2) == 0 { shape.append(open) }
      return shape.isEmpty ? [1] : shape
    }
    let (from, to) = (grouped(), grouped())
    let array = stream.array(from)
    let chunks = stream.chunks(from)
    try await inSession { session async throws in
      let lazy = session.array(array, chunks: chunks)
      let result = lazy.reshaped(to)
      expectEqual(try await result.compute(), NDArray(array.elements, shape: to), "\(from) \(chunks) to \(to)")
      #expect(
        result.grid.sizes.reduce(1) { $0 * $1.max()! } <= max(lazy.grid.sizes.reduce(1) { $0 * $1.max()! }, 1) * 2,
        "blocks don't grow: \(lazy.grid.sizes) to \(result.grid.sizes)")
    }
  }

  @Test func mergingWholeAxesKeepsTheChunks() async throws {
    try await inSession { session async throws in
      let field = session.ones([240, 37, 49], as: Double.self, chunks: [60, -1, -1])
      #expect(field.reshaped([240, -1]).grid.sizes == [[60, 60, 60, 60], [1813]])
      // Chunks of part of the trailing axes: pieces stay small where dask makes whole rows of them.
      let tiles = session.ones([4, 1000, 1000], as: Double.self, chunks: [1, 100, 100])
      #expect(tiles.reshaped([4, -1]).grid.sizes == [[1, 1, 1, 1], Array(repeating: 10_000, count: 100)])
    }
  }

  @Test(arguments: 0..<20) func transposesAndRechunks(seed: Int) async throws {
    var stream = Stream(seed)
    let shape = [stream.int(1...6), stream.int(1...7), stream.int(1...5)]
    let array = stream.array(shape)
    let axes = [[0, 1, 2], [2, 0, 1], [1, 0, 2], [2, 1, 0], [0, 2, 1]][stream.int(0...4)]
    let expected = NDArray(axes.map { shape[$0] }) { p in
      var source = [0, 0, 0]
      for (axis, coordinate) in zip(axes, p) { source[axis] = coordinate }
      return array[at: source]
    }
    let (before, after) = (stream.chunks(shape), stream.chunks(axes.map { shape[$0] }))
    try await inSession { session async throws in
      let lazy = session.array(array, chunks: before).transposed(axes)
      expectEqual(try await lazy.compute(), expected)
      let other = lazy.rechunked(after)
      expectEqual(try await other.compute(), expected, "\(before) \(after)")
      #expect(other.shape == expected.shape)
    }
  }

  @Test func joins() async throws {
    var stream = Stream(7)
    let (a, b, c) = (stream.array([3, 4]), stream.array([5, 4]), stream.array([3, 4]))
    try await inSession { session async throws in
      let x = session.array(a, chunks: [2, 3])
      let y = session.array(b, chunks: [5, 1])
      expectEqual(
        try await concatenated([x, y]).compute(), NDArray(a.elements + b.elements, shape: [8, 4]))
      let z = session.array(c, chunks: [1, 2])
      expectEqual(
        try await stacked([x, z], axis: -1).compute(),
        NDArray([3, 4, 2]) { $0[2] == 0 ? a[at: [$0[0], $0[1]]] : c[at: [$0[0], $0[1]]] })
      expectEqual(
        try await concatenated([x, z], axis: 1).compute(),
        NDArray([3, 8]) { $0[1] < 4 ? a[at: $0] : c[at: [$0[0], $0[1] - 4]] })
      expectEqual(
        try await concatenated([x, session.array(NDArray<Double>([], shape: [0, 4])), y]).compute(),
        NDArray(a.elements + b.elements, shape: [8, 4]))
    }
  }

  @Test func broadcasting() async throws {
    let row = NDArray<Double>([1, 2, 3])
    try await inSession { session async throws in
      let result = session.array(row, chunks: [2]).broadcast(to: [4, 3])
      expectEqual(try await result.compute(), NDArray([4, 3]) { Double($0[1] + 1) })
    }
  }

  @Test func createdArrays() async throws {
    try await inSession { session async throws in
      let chunks: Chunks = [3]
      #expect(try await session.arange(1.0, 3.0, step: 0.5, chunks: chunks).compute().elements == [1, 1.5, 2, 2.5])
      #expect(try await session.arange(0, 7, chunks: chunks).compute().elements == [0, 1, 2, 3, 4, 5, 6])
      #expect(try await session.arange(5, 0, step: -2, chunks: chunks).compute().elements == [5, 3, 1])
      #expect(session.arange(1e6, 1e6 + 1, step: 0.1, chunks: chunks).shape == [10])
      #expect(
        session.arange(3.0, 1.0, chunks: chunks).shape == [0] && session.arange(3, 3, chunks: chunks).shape == [0])
      #expect(try await session.arange(UInt8(250), 255, step: 2, chunks: chunks).compute().elements == [250, 252, 254])
      #expect(
        try await session.arange(Int.min, .max, step: .max, chunks: chunks).compute().elements == [.min, -1, .max - 1])
      #expect(
        try await session.linspace(0.0, 1.0, count: 5, chunks: chunks).compute().elements == [0, 0.25, 0.5, 0.75, 1])
      #expect(try await session.full([2, 2], Float(7), chunks: [1, 2]).compute().elements == [7, 7, 7, 7])
      let f = session.fromFunction([3, 4], chunks: [2, 3]) { $0[0] * 10 + $0[1] }
      expectEqual(try await f.compute(), NDArray([3, 4]) { $0[0] * 10 + $0[1] })
    }
  }

  @Test func mappedBlocks() async throws {
    try await inSession { session async throws in
      let a = session.arange(0, 10, chunks: [4])
      let origins = a.mapBlocks { block, info in
        NDArray(block.elements.map { $0 + 1000 * info.region.origin[0] })
      }
      #expect(try await origins.compute().elements == [0, 1, 2, 3, 4004, 4005, 4006, 4007, 8008, 8009])
      let halves = a.mapBlocks(chunks: [[1, 1, 1]], as: Double.self) { block, _ in
        NDArray([Double(block.elements.reduce(0, +)) / 2])
      }
      #expect(try await halves.compute().elements == [3, 11, 8.5])
      let error = await musterError {
        _ = try await a.mapBlocks { block in NDArray([block.elements[0]]) }.compute()
      }
      #expect(error?.code == .shapeMismatch)
      #expect(error?.callSite?.file.hasSuffix("ShapeTests.swift") == true)
    }
  }
}
