import ComplexModule
import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

struct ReductionTests {
  private func partial(_ a: AnyNDArray, _ kind: ReductionKind, _ axes: [Int]) throws -> PartialReduction {
    var program = ElementwiseProgram()
    program.finish(program.input(a.elementType))
    return try program.reduce([a], shape: a.shape, kind: kind, axes: axes)
  }

  /// The elements that go into each element of the result.
  private func groups(_ a: AnyNDArray, _ axes: [Int]) -> [[Int]] {
    let shape = Shapes.reduced(a.shape, axes: axes, keepDims: true)
    var groups = [[Int]](repeating: [], count: shape.reduce(1, *))
    for (number, index) in indices(of: a.shape).enumerated() { groups[position(index, in: shape)].append(number) }
    return groups
  }

  @Test(arguments: 0..<200)
  func randomShapesAndAxes(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(1000 + seed))
    let shape = random.shape()
    let axes = shape.indices.filter { _ in Bool.random(using: &random) }
    let x = AnyNDArray.of(shape) { (_: Int) in Double.random(in: -1...3, using: &random) }
    let values = NDArray<Double>(x).elements
    let groups = groups(x, axes)

    let sum = try partial(x, .sum, axes)
    let product = try partial(x, .product, axes)
    let moments = try partial(x, .moments, axes)
    let mean = NDArray<Double>(try sum.finish(as: .mean)).elements
    let variance = NDArray<Double>(try moments.finish(as: .variance(ddof: 0))).elements
    #expect(sum.values.shape == Shapes.reduced(shape, axes: axes, keepDims: true))
    for (number, group) in groups.enumerated() {
      let members = group.map { values[$0] }
      let size = members.reduce(0) { $0 + abs($1) }
      let exact = members.reduce(0, +)
      #expect(abs(NDArray<Double>(sum.values).elements[number] - exact) <= 1e-13 * size, "seed \(seed)")
      let expectedProduct = members.reduce(1, *)
      #expect(
        abs(NDArray<Double>(product.values).elements[number] - expectedProduct) <= 1e-11 * abs(expectedProduct),
        "seed \(seed)")
      if members.isEmpty {
        #expect(mean[number].isNaN && variance[number].isNaN)
        continue
      }
      let count = Double(members.count)
      #expect(abs(mean[number] - exact / count) <= 1e-13 * size / count)
      let expected = members.reduce(0) { $0 + ($1 - exact / count) * ($1 - exact / count) } / count
      #expect(abs(variance[number] - expected) <= 1e-12 * max(expected, 1e-3), "seed \(seed)")
      let least = NDArray<Double>(try partial(x, .min, axes).values).elements[number]
      let greatest = NDArray<Double>(try partial(x, .max, axes).values).elements[number]
      #expect(least == members.min() && greatest == members.max(), "seed \(seed)")
    }
  }

  private func checkInteger<T: FixedWidthInteger & ArrayElement>(_ type: T.Type, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    for shape in [[3, 700], [700, 3], [40, 2, 50]] {
      let x = random.elements(T.elementType, shape)
      let values = NDArray<T>(x).elements
      for axes in [[0], [1], [0, 1]] {
        let groups = groups(x, axes).map { $0.map { values[$0] } }
        let sum = try partial(x, .sum, axes).finish(as: .sum)
        let product = try partial(x, .product, axes).finish(as: .product)
        if T.isSigned {
          #expect(NDArray<Int>(sum).elements == groups.map { $0.reduce(0) { $0 &+ Int(truncatingIfNeeded: $1) } })
          #expect(NDArray<Int>(product).elements == groups.map { $0.reduce(1) { $0 &* Int(truncatingIfNeeded: $1) } })
        } else {
          #expect(NDArray<UInt>(sum).elements == groups.map { $0.reduce(0) { $0 &+ UInt($1) } })
          #expect(NDArray<UInt>(product).elements == groups.map { $0.reduce(1) { $0 &* UInt($1) } })
        }
        #expect(NDArray<T>(try partial(x, .min, axes).values).elements == groups.map { $0.min() })
        #expect(NDArray<T>(try partial(x, .max, axes).values).elements == groups.map { $0.max() })
        #expect(NDArray<Bool>(try partial(x, .any, axes).values).elements == groups.map { $0.contains { $0 != 0 } })
        #expect(NDArray<Bool>(try partial(x, .all, axes).values).elements == groups.map { !$0.contains(0) })
      }
    }
  }

  @Test func integersOfEveryWidth() throws {
    try checkInteger(Int8.self, seed: 31)
    try checkInteger(Int16.self, seed: 32)
    try checkInteger(Int32.self, seed: 33)
    try checkInteger(Int64.self, seed: 34)
    try checkInteger(UInt8.self, seed: 35)
    try checkInteger(UInt16.self, seed: 36)
    try checkInteger(UInt32.self, seed: 37)
    try checkInteger(UInt64.self, seed: 38)
  }

  private func compare<T: BinaryFloatingPoint & ReducibleElement>(_ type: T.Type, name: String) throws
  where T.Total == T, T.Average == T {
    let reference = try ReferenceData()
    let x: NDArray<T> = try reference.array("reduce/\(name)/input")
    let tolerance = 4 * T.ulpOfOne
    func expect(_ result: NDArray<T>, _ part: String, _ scale: T) throws {
      let expected: NDArray<T> = try reference.array("reduce/\(name)/\(part)")
      #expect(result.shape == expected.shape)
      for (a, b) in zip(result.elements, expected.elements) {
        #expect(abs(a - b) <= scale * tolerance * abs(b), "\(part): \(a), not \(b)")
      }
    }
    for axes in [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]] {
      let tag = axes.map(String.init).joined()
      try expect(x.sum(axes: axes), "\(tag)/sum", 1)
      try expect(x.mean(axes: axes), "\(tag)/mean", 1)
      // Deviations of 1 around 1000: the mean's own rounding is felt.
      try expect(x.variance(axes: axes), "\(tag)/var0", T.self == Double.self ? 1000 : 1)
      try expect(x.standardDeviation(axes: axes, ddof: 1), "\(tag)/std1", T.self == Double.self ? 1000 : 1)
      try expect(x.min(axes: axes), "\(tag)/min", 0)
      try expect(x.max(axes: axes), "\(tag)/max", 0)
    }
  }

  @Test func floatingPointIsNumPysOverAllAxes() throws {
    try compare(Double.self, name: "float64")
    try compare(Float.self, name: "float32")
  }

  @Test func integersAreNumPys() throws {
    let reference = try ReferenceData()
    func check<T: FixedWidthInteger & ReducibleElement>(_ type: T.Type, _ name: String) throws
    where T.Total: FixedWidthInteger, T.Average == Double {
      #expect(T.Total.isSigned == T.isSigned && T.Total.bitWidth == 64)
      let x: NDArray<T> = try reference.array("integers/\(name)/input")
      for axis in 0...1 {
        let sums = try reference.array("integers/\(name)/sum\(axis)", as: T.Total.self)
        let combined = try partial(x.erased, .sum, [axis]).finish(as: .sum)
        #expect(NDArray<T.Total>(combined).elements == sums.elements)
        #expect(try x.sum(axis: axis).elements == sums.elements)
      }
      let product = try reference.array("integers/\(name)/prod", as: T.Total.self)
      let combined = try partial(x.erased, .product, [0, 1]).finish(as: .product)
      #expect(NDArray<T.Total>(combined).elements == product.elements)
      #expect(try x.product().elements == product.elements)
      let means: NDArray<Double> = try reference.array("integers/\(name)/mean1")
      for (a, b) in zip(try x.mean(axis: 1).elements, means.elements) {
        #expect(abs(a - b) <= 1e-15 * (abs(b) + Double(T.max)))
      }
    }
    try check(Int8.self, "int8")
    try check(Int16.self, "int16")
    try check(Int32.self, "int32")
    try check(Int64.self, "int64")
    try check(UInt8.self, "uint8")
    try check(UInt16.self, "uint16")
    try check(UInt32.self, "uint32")
    try check(UInt64.self, "uint64")
  }

  @Test func longSumsAreAsAccurateAsNumPys() throws {
    let reference = try ReferenceData()
    let x: NDArray<Double> = try reference.array("accuracy/input")
    let exact = try reference.array("accuracy/exact", as: Double.self).elements[0]
    let numpy = try reference.array("accuracy/numpy", as: Double.self).elements[0]
    let size = x.elements.reduce(0) { $0 + abs($1) }
    let allowed = max(2 * abs(numpy - exact), 1e-16 * size)
    #expect(abs(try x.sum().elements[0] - exact) <= allowed)
    // The same numbers down a column, where they are added row by row.
    let columns = try x.erased.slice([0..<1_000_000]).reshaped([10_000, 100])
    let down = NDArray<Double>(try partial(columns, .sum, [0]).values)
    let across = NDArray<Double>(try partial(columns.transposed([1, 0]), .sum, [1]).values)
    for (a, b) in zip(down.elements, across.elements) { #expect(abs(a - b) <= 1e-15 * size / 100) }
  }

  @Test func programsAreReducedInTheSamePass() throws {
    let reference = try ReferenceData()
    let x: NDArray<Double> = try reference.array("standardise/input")
    let mean = try x.mean(axis: 0, keepDims: true)
    let deviation = try x.standardDeviation(axis: 0, keepDims: true)
    var program = ElementwiseProgram()
    let registers = (0..<3).map { _ in program.input(.float64) }
    let z = program.apply(.divide, program.apply(.subtract, registers[0], registers[1]), registers[2])
    program.finish(z)
    let inputs = [x.erased, mean.erased, deviation.erased]
    let result = NDArray<Double>(try program.run(inputs, shape: x.shape))
    let expected: NDArray<Double> = try reference.array("standardise/output")
    for (a, b) in zip(result.elements, expected.elements) { #expect(abs(a - b) <= 1e-13 * max(1, abs(b))) }
    for axes in [[0], [1], [0, 1]] {
      let fused = try program.reduce(inputs, shape: x.shape, kind: .sum, axes: axes)
      let apart = try partial(result.erased, .sum, axes)
      for (a, b) in zip(NDArray<Double>(fused.values).elements, NDArray<Double>(apart.values).elements) {
        #expect(abs(a - b) <= 1e-11)
      }
    }
  }

  @Test func notANumberGoesThrough() throws {
    for position in [0, 5, 700, 1023] {
      for shape in [[1024], [2, 512], [512, 2], [64, 16]] {
        let x = AnyNDArray.of(shape) { $0 == position ? Double.nan : Double($0) }
        for kind in [ReductionKind.sum, .product, .min, .max, .moments] {
          let result = try partial(x, kind, Array(shape.indices))
          #expect(NDArray<Double>(result.values).elements[0].isNaN, "\(kind) of \(shape)")
          if let deviations = result.deviations { #expect(NDArray<Double>(deviations).elements[0].isNaN) }
        }
      }
    }
    let flags = NDArray([Double.nan, 0])
    #expect(NDArray<Bool>(try partial(flags.erased, .any, [0]).values).elements == [true])
  }

  @Test func chunksCombineToTheWhole() throws {
    var random = SplitMix64(seed: 41)
    let x = AnyNDArray.of([96, 700]) { (_: Int) in Double.random(in: 999...1001, using: &random) }
    for kind in ReductionKind.allCases {
      for axes in [[0], [0, 1]] {
        let parts = try [0..<7, 7..<7, 7..<50, 50..<51, 51..<96].map {
          try partial(x.slice([$0, 0..<700]), kind, axes)
        }
        let combined = try PartialReduction.combine(parts, kind: kind)
        let whole = try partial(x, kind, axes)
        #expect(combined.count == whole.count && combined.values.shape == whole.values.shape)
        if kind == .any || kind == .all {
          #expect(combined.values.bytes == whole.values.bytes)
          continue
        }
        for (a, b) in zip(NDArray<Double>(combined.values).elements, NDArray<Double>(whole.values).elements) {
          #expect(a == b || abs(a - b) <= 1e-13 * abs(b), "\(kind) over \(axes)")
        }
        if let a = combined.deviations, let b = whole.deviations {
          for (a, b) in zip(NDArray<Double>(a).elements, NDArray<Double>(b).elements) {
            #expect(abs(a - b) <= 1e-10 * b)
          }
        }
      }
    }
    let sum = try partial(x, .sum, [0])
    #expect(throws: MusterError.self) { try PartialReduction.combine([sum, partial(x, .max, [0])], kind: .sum) }
    #expect(throws: MusterError.self) { try PartialReduction.combine([sum, partial(x, .sum, [1])], kind: .sum) }
    #expect(throws: MusterError.self) { try PartialReduction.combine([], kind: .sum) }
  }

  @Test func complexNumbers() throws {
    let reference = try ReferenceData()
    let a: NDArray<Complex<Double>> = try reference.array("complex/a")
    let expected = try reference.array("complex/sum", as: Complex<Double>.self).elements[0]
    #expect((try a.sum().elements[0] - expected).length <= 1e-14 * 400)
    #expect((try a.mean().elements[0] - expected / 400).length <= 1e-14)
    let narrow = a.asType(Complex<Float>.self)
    #expect(Complex<Double>(try narrow.sum().elements[0]).length - expected.length < 1e-4)
    let column = try a.reshaped([100, 4]).sum(axis: 0)
    let last = a.elements.enumerated().reduce(Complex<Double>.zero) { $1.offset % 4 == 3 ? $0 + $1.element : $0 }
    #expect((column.elements[3] - last).length <= 1e-13)
    let product = try partial(a.erased.slice([0..<5]), .product, [0]).finish(as: .product)
    #expect((NDArray<Complex<Double>>(product).elements[0] - a.elements[..<5].reduce(1, *)).length <= 1e-13)
    let error = #expect(throws: MusterError.self) { try partial(a.erased, .moments, [0]) }
    #expect(error?.code == .unsupported)
    #expect(throws: MusterError.self) { try partial(a.erased, .min, [0]) }
  }

  @Test func boolCounts() throws {
    let flags = NDArray((0..<1500).map { $0 % 3 == 0 }, shape: [500, 3])
    #expect(try flags.sum().elements == [500])
    #expect(try flags.sum(axis: 0).elements == [500, 0, 0])
    #expect(try flags.sum(axis: 1).elements == Array(repeating: 1, count: 500))
    #expect(try flags.mean().elements == [1.0 / 3])
    #expect(try flags.product(axis: 1).elements == Array(repeating: 0, count: 500))
    #expect(try flags.any(axis: 0).elements == [true, false, false])
    #expect(try flags.all(axis: 0).elements == [true, false, false])
  }

  @Test func emptyReductions() throws {
    let x = NDArray<Double>.zeros([0, 3])
    #expect(try x.sum(axis: 0).elements == [0, 0, 0])
    #expect(try x.product(axis: 0).elements == [1, 1, 1])
    #expect(try x.sum(axis: 1).shape == [0])
    #expect(try x.max(axis: 1).shape == [0])
    #expect(try x.mean(axis: 0).elements.allSatisfy(\.isNaN))
    let error = #expect(throws: MusterError.self) { try x.min(axis: 0) }
    #expect(error?.code == .invalidArgument)
    #expect(throws: MusterError.self) { try x.max() }
  }

  @Test func wrongAxesAreNamed() throws {
    let x = NDArray<Double>.zeros([2, 3])
    for axes in [[2], [-3], [0, 0], [1, -1], [0, 1, 2]] {
      let error = #expect(throws: MusterError.self) { try x.sum(axes: axes) }
      #expect(error?.code == .invalidAxis)
    }
    #expect(try x.sum(axis: -1).shape == [2])
    #expect(try x.sum(axes: [-1, 0], keepDims: true).shape == [1, 1])
  }

  @Test func varianceWithFewerElementsThanItsDivisorTakes() throws {
    #expect(try NDArray([2.0]).variance(ddof: 1).elements[0].isNaN)
    #expect(try NDArray([2.0]).variance().elements == [0])
    #expect(try NDArray([Int16(1), 3]).variance(ddof: 1).elements == [2])
    // Equal numbers have no variance, however many rows.
    let equal = NDArray<Double>.full([1000, 40], value: 0.1)
    #expect(try equal.variance(axis: 0).elements.allSatisfy { abs($0) < 1e-32 })
  }
}
