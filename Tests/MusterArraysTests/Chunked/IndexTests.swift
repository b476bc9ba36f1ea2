import Muster
import Testing

struct IndexTests {
  /// Nothing that is reckoned from an index overflows.
  @Test func stepsAndBoundsAtTheEndsOfTheIntegers() async throws {
    let whole = NDArray((0..<10).map(Double.init))
    try await inSession { session async throws in
      let a = session.array(whole, chunks: [4])
      for (indices, expected) in [
        (.stride(by: Int.max), [0]), (.stride(by: Int.min), [9]), (.stride(from: 3, by: .max), [3]),
        (.stride(from: 2, to: 2, by: .min), []), (.stride(from: 5, to: 3, by: .max), []),
        (.stride(from: 5, to: 3, by: .min), [5]),
      ] as [(ArrayIndex, [Double])] {
        #expect(try await a[indices].compute().elements == expected, "\(indices)")
        #expect(try await (a + 1)[indices].compute().elements == expected.map { $0 + 1 }, "\(indices)")
      }
      for wrong in [
        a[0...Int.max], a[...Int.max], a[Int.min], a[Int.max], a[Int.min..<3], a[.stride(from: .min, by: 2)],
      ] {
        #expect(await musterError { try wrong.validate() }?.code == .indexOutOfRange)
      }
    }
    #expect(try whole.slice([0..<10], steps: [.max]).elements == [0])
    #expect(try whole.slice([0..<10], steps: [.min]).elements == [9])
    #expect(try whole.slice([4..<4], steps: [.min]).elements == [])
  }
}
