import Muster
import MusterArrays
import Testing

/// Shapes with more elements than can be counted.
struct TooLargeTests {
  @Test func shapesBeyondCountingAreErrorsThatNameThem() async throws {
    try await inSession { session async throws in
      let huge = 1 << 40
      let x = session.ones([1, 1], as: Double.self)
      let (column, row) = (session.zeros([huge, 1], as: Double.self), session.zeros([1, huge], as: Double.self))
      let wide = session.zeros([huge, 1 << 18], as: Double.self, chunks: [-1, -1])
      let cases: [(ChunkedArray<Double>, MusterError.Code)] = [
        (session.zeros([1 << 32, 1 << 32], as: Double.self), .invalidArgument),
        (session.full([huge, huge], 1.0, chunks: [-1, -1]), .invalidArgument),
        (session.zeros([huge, 0, huge], as: Double.self), .invalidArgument),
        (session.fromFunction([huge, huge], chunks: [huge, huge]) { _ in 0.0 }, .invalidArgument),
        (x.reshaped([huge, huge]), .shapeMismatch), (x.reshaped([huge, -1, huge]), .shapeMismatch),
        (x.broadcast(to: [huge, huge]), .invalidArgument), (column + row, .invalidArgument),
        (column.matmul(row), .invalidArgument),
        (concatenated([wide, wide], axis: 1), .invalidArgument),
      ]
      for (array, code) in cases {
        let error = await musterError { try array.validate() }
        #expect(error?.code == code, "\(array)")
        #expect(error?.message.contains("1099511627776") == true || error?.message.contains("4294967296") == true)
      }
    }
  }

  @Test func moreChunksThanCanBeScheduledAreAnError() async throws {
    try await inSession { session async throws in
      let x = session.zeros([1 << 40], as: UInt8.self)
      let cases: [ChunkedArray<UInt8>] = [
        session.zeros([1 << 40], as: UInt8.self, chunks: [1]), x.rechunked([1]),
        session.zeros([1 << 58], as: UInt8.self), session.zeros([1 << 20, 1 << 20], as: UInt8.self, chunks: [1, 1]),
      ]
      for array in cases {
        let error = await musterError { try array.validate() }
        #expect(error?.code == .invalidChunks && error?.message.contains("chunks") == true, "\(array)")
      }
      let sums = await musterError { try x.rechunked(.exact([[Int.max, 2]])).validate() }
      #expect(sums?.code == .invalidChunks)
    }
  }

  @Test func arraysInMemoryThrowWhereTheyCan() throws {
    let x = NDArray.ones([4, 3]) as NDArray<Double>
    let huge = 1 << 40
    for shape in [[huge, huge], [huge, -1, huge], [1 << 62, 4]] {
      let error = #expect(throws: MusterError.self) { try x.reshaped(shape) }
      #expect(error?.code == .shapeMismatch)
    }
    let error = #expect(throws: MusterError.self) { try NDArray<Double>.ones([1]).broadcast(to: [huge, huge]) }
    #expect(error?.code == .outOfMemory)
  }

  @Test func badShapesInMemoryEndTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = NDArray<Double>.linspace(0, 1, count: -1) }
    await #expect(processExitsWith: .failure) { _ = NDArray<Double>(shape: [-1]) { _ in } }
    await #expect(processExitsWith: .failure) { _ = NDArray<Double>([], shape: [-1, 0]) }
    await #expect(processExitsWith: .failure) { _ = NDArray<Double>.ones([1 << 40, 1 << 40]) }
  }
}
