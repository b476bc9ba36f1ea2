import ComplexModule
import MusterArrays
import MusterRuntime
import Testing

struct NDArrayTests {
  @Test func theOneElementOfAnArrayThatHasJustOne() {
    #expect(NDArray<Double>.full([], value: 2.5).item() == 2.5 && NDArray<Int>([7], shape: [1, 1, 1]).item() == 7)
  }

  @Test func creation() {
    #expect(NDArray<Double>.zeros([2, 3]).elements == [0, 0, 0, 0, 0, 0])
    #expect(NDArray<Int8>.ones([2]).elements == [1, 1])
    #expect(NDArray<Bool>.full([3], value: true).elements == [true, true, true])
    #expect(NDArray<Complex<Float>>.full([1], value: Complex(1, 2)).elements == [Complex(1, 2)])
    #expect(NDArray<Int>.arange(2, 9, step: 3).elements == [2, 5, 8])
    #expect(NDArray<Double>.arange(3).elements == [0, 1, 2])
    #expect(NDArray<Float>.linspace(-1, 1, count: 5).elements == [-1, -0.5, 0, 0.5, 1])
    #expect(NDArray<Double>.linspace(0, 0.3, count: 4).elements.last == 0.3)
    #expect(NDArray<Double>.linspace(7, 9, count: 1).elements == [7])
    #expect(NDArray(scalar: 4).shape == [])
  }

  @Test func indexing() throws {
    let a = NDArray(Array(0..<24), shape: [2, 3, 4])
    #expect(a[1, 2, 3] == 23 && a[-1, 0, -4] == 12 && a.ndim == 3)
    #expect(a[0..<1, 1..., ..<2] == NDArray([4, 5, 8, 9], shape: [1, 2, 2]))
    #expect(a[1...1].shape == [1, 3, 4])
    #expect(try a.slice([0..<2, 0..<3, 0..<4], steps: [1, -2, 3]).elements == [8, 11, 0, 3, 20, 23, 12, 15])
    let error = #expect(throws: MusterError.self) { try a.slice([0..<2, 0..<4, 0..<4]) }
    #expect(error?.code == .indexOutOfRange)
    #expect(throws: MusterError.self) { try a.slice([0..<2]) }
    #expect(throws: MusterError.self) { try a.slice([0..<2, 0..<3, 0..<4], steps: [1, 0, 1]) }
  }

  @Test func shapes() throws {
    let a = NDArray(Array(0..<6), shape: [2, 3])
    #expect(try a.reshaped([3, -1]) == NDArray(Array(0..<6), shape: [3, 2]))
    #expect(try a.transposed() == NDArray([0, 3, 1, 4, 2, 5], shape: [3, 2]))
    #expect(try a.transposed([-2, -1]) == a)
    #expect(try a.broadcast(to: [2, 2, 3]).elements == a.elements + a.elements)
    let error = #expect(throws: MusterError.self) { try a.reshaped([4, 2]) }
    #expect(error?.message.contains("[2, 3]") == true && error?.message.contains("[4, 2]") == true)
    #expect(throws: MusterError.self) { try a.reshaped([-1, 4]) }
    #expect(throws: MusterError.self) { try a.reshaped([-1, -6]) }
    #expect(throws: MusterError.self) { try a.transposed([0, 0]) }
    #expect(throws: MusterError.self) { try a.broadcast(to: [3, 3]) }
  }

  @Test func arithmetic() {
    let a = NDArray([1.0, 2, 3, 4, 5, 6], shape: [2, 3])
    let row = NDArray([10.0, 20, 30])
    let column = NDArray([100.0, 200], shape: [2, 1])
    #expect((a + row).elements == [11, 22, 33, 14, 25, 36])
    #expect((column - a).elements == [99, 98, 97, 196, 195, 194])
    #expect((row + column).shape == [2, 3])
    #expect((2 * a / 4 - 1).elements == [-0.5, 0, 0.5, 1, 1.5, 2])
    #expect((1 / a)[0, 1] == 0.5)
    #expect((-a)[1, 2] == -6)
    #expect((NDArray<UInt8>([250, 3]) + 10).elements == [4, 13])
    #expect((NDArray<Int>([-7, 7]) / 2).elements == [-3, 3])
    #expect((NDArray([Complex(1.0, 2)]) * Complex(0, 1)).elements == [Complex(-2, 1)])
  }

  @Test func shapesThatDoNotBroadcastTrap() async throws {
    // Said by release builds too.
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = NDArray<Double>.zeros([2, 3]) + NDArray<Double>.zeros([2])
    }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains("don't broadcast"), "\(text)")
    let index = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      print(NDArray<Double>([1, 2, 3, 4], shape: [2, 2])[0])
    }
    let said = String(decoding: index.standardErrorContent, as: UTF8.self)
    #expect(said.contains("1 indices for an array of shape [2, 2]"), "\(said)")
  }

  @Test func equalityAndTypes() {
    let a = NDArray([1.0, 2])
    #expect(a == NDArray([1.0, 2]) && a != NDArray([1.0, 2], shape: [2, 1]) && a != NDArray([1.0, 3]))
    #expect(NDArray([Double.nan]) != NDArray([Double.nan]))
    #expect(NDArray([1.9, -1.9, 300, .nan]).asType(Int8.self).elements == [1, -1, 127, 0])
    #expect(NDArray([0, 2]).asType(Bool.self).elements == [false, true])
  }

  @Test func descriptions() {
    #expect(NDArray([1, 2, 3, 4], shape: [2, 2]).description == "[[1, 2],\n [3, 4]]")
    #expect(NDArray(scalar: 1.5).description == "1.5")
    #expect(NDArray<Int>([]).description == "[]")
    #expect(NDArray(Array(0..<2000)).description == "[0, 1, 2, …, 1997, 1998, 1999]")
  }
}
