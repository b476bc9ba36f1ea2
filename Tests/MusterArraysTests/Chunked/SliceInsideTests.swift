import Muster
import Testing

/// Slices that are taken of an operation's operands give what slices of the whole give.
struct SliceInsideTests {
  @Test func elementwiseOperationsWithBroadcasting() async throws {
    var stream = Stream(31)
    let (x, row, column) = (stream.array([23, 17]), stream.array([17]), stream.array([23, 1]))
    try await inSession { session async throws in
      let a = session.array(x, chunks: [5, 4])
      let value = (a - session.array(row, chunks: [6])) / (session.array(column, chunks: [7, -1]) + 3.0)
      let whole = try await value.compute()
      for (rows, columns) in [(2..<9, 3..<17), (0..<23, 5..<6), (22..<23, 0..<17), (4..<4, 0..<17), (0..<23, 0..<17)] {
        let part = try await value[rows, columns].compute()
        #expect(part.shape == [rows.count, columns.count])
        #expect(try part.elements == whole.erased.slice([rows, columns]).typed(Double.self).elements)
      }
      let mask = try await which(a .> 0, a, 0.0)[1..<20, 2..<3].compute()
      let expected = try x.erased.slice([1..<20, 2..<3]).typed(Double.self).elements.map { max($0, 0) }
      #expect(mask.elements == expected)
    }
  }

  @Test func onlyTheWantedColumnsOfUAreComputed() async throws {
    var stream = Stream(32)
    let x = stream.array([60, 9])
    try await inSession { session async throws in
      let (u, s, _) = session.array(x, chunks: [20, -1]).svd()
      let leading = (u * s)[0..., ..<3]
      let names = try leading.loweredPlan().layers.map(\.tasks.name)
      #expect(!names.contains("svd-left-slice") && names.filter { $0.contains("slice") }.count <= 1, "\(names)")
      let whole = try await (u * s).compute()
      let part = try await leading.compute()
      #expect(part.shape == [60, 3])
      for row in 0..<60 {
        for mode in 0..<3 { #expect(abs(part.elements[row * 3 + mode] - whole.elements[row * 9 + mode]) < 1e-13) }
      }
      let some = try await u[10..<50, 4..<6].compute()
      let all = try await u.compute()
      for row in 0..<40 {
        for mode in 0..<2 {
          #expect(abs(some.elements[row * 2 + mode] - all.elements[(row + 10) * 9 + mode + 4]) < 1e-13)
        }
      }
    }
  }

  /// An operand of several nodes is taken of once, however often they are nested; and a chain may be long.
  @Test(.timeLimit(.minutes(20))) func sharedOperandsAreSlicedOnce() async throws {
    try await inSession { session async throws in
      var x = session.array(NDArray((0..<20).map { Double($0) / 40 }), chunks: [6])
      for _ in 0..<60 { x = x * x + x * 0.5 }
      let (part, whole) = (try await x[..<8].compute(), try await x.compute())
      #expect(part.elements == Array(whole.elements[..<8]))
      var long = session.ones([10], as: Double.self)
      for _ in 0..<3_000 { long = long + 1.0 }
      #expect(try await long[2..<4].compute().elements == [3_001, 3_001])
    }
  }

  /// An axis that goes is sliced first, and goes then.
  @Test func droppedAndNewAxes() async throws {
    var stream = Stream(34)
    let x = stream.array([60, 9])
    try await inSession { session async throws in
      let (u, s, vt) = session.array(x, chunks: [20, -1]).svd()
      let (wholeU, values, wholeV) = try await session.compute(u, s, vt)
      let plan = try u[0..., 2].loweredPlan().layers
      #expect(plan.first { $0.tasks.name == "svd-left" }?.tasks.expectedBytes == 60 * 8)
      let (first, row, mode) = try await session.compute(u[0..., 2], vt[3], (u * s)[0..., .newAxis, 1])
      #expect(first.shape == [60] && row.shape == [9] && mode.shape == [60, 1])
      for place in 0..<60 {
        #expect(abs(first.elements[place] - wholeU.elements[place * 9 + 2]) < 1e-13)
        #expect(abs(mode.elements[place] - wholeU.elements[place * 9 + 1] * values.elements[1]) < 1e-12)
      }
      for place in 0..<9 { #expect(abs(row.elements[place] - wholeV.elements[27 + place]) < 1e-13) }
    }
  }

  /// Of U and Vᵀ together, of tall and wide matrices, on every way of the decomposition; the signs agree on both sides.
  @Test(arguments: [[60, 9], [9, 60], [280, 130], [130, 280]])
  func onlyTheWantedVectorsAreComputed(shape: [Int]) async throws {
    var stream = Stream(33)
    let x = stream.array(shape)
    let k = shape.min()!
    try await inSession { session async throws in
      let (u, s, vt) = session.array(x, chunks: [50, 40]).svd()
      let (wholeU, values, wholeV) = try await session.compute(u, s, vt)
      // Ranges that overlap in part, so that what both sides need together is more than either.
      let names = try vt[1..<4].loweredPlan().layers.map(\.tasks.name)
      #expect(!names.contains { $0.contains("slice") }, "\(names)")
      let (someU, someV, more) = try await session.compute(u[0..., 2..<6], vt[1..<4], vt[3..<5])
      #expect(someU.shape == [shape[0], 4] && someV.shape == [3, shape[1]] && more.shape == [2, shape[1]])
      for mode in 0..<4 {
        for row in 0..<shape[0] {
          #expect(abs(someU.elements[row * 4 + mode] - wholeU.elements[row * k + mode + 2]) < 1e-12)
        }
      }
      for column in 0..<shape[1] {
        for mode in 0..<3 {
          let whole = wholeV.elements[(mode + 1) * shape[1] + column]
          #expect(abs(someV.elements[mode * shape[1] + column] - whole) < 1e-12)
        }
        for mode in 0..<2 {
          let whole = wholeV.elements[(mode + 3) * shape[1] + column]
          #expect(abs(more.elements[mode * shape[1] + column] - whole) < 1e-12)
        }
      }
      // A step other than one, or part of each vector, is taken of the whole.
      let odd = try await vt[.stride(from: 0, to: 4, by: 2), 1..<5].compute()
      #expect(abs(odd.elements[4] - wholeV.elements[2 * shape[1] + 1]) < 1e-12)
      #expect(values.count == k)
    }
  }
}

extension AnyNDArray {
  fileprivate func typed<Element: ArrayElement>(_ type: Element.Type) -> NDArray<Element> { NDArray(self) }
}
