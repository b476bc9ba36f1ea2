import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

/// Whole programs: broadcasting, tiles, registers, sharing.
struct ElementwiseProgramTests {
  /// A random program of exact operations on doubles, with a function that evaluates it an element at a time.
  private struct RandomProgram {
    var program = ElementwiseProgram()
    var evaluate: ([Double]) -> Double

    init(inputs: Int, random: inout SplitMix64) {
      var program = ElementwiseProgram()
      var values: [(register: ElementwiseProgram.Register, evaluate: ([Double]) -> Double)] = []
      for input in 0..<inputs { values.append((program.input(.float64), { $0[input] })) }
      for _ in 0..<Int.random(in: 0...9, using: &random) {
        let (a, fa) = random.pick(values)
        let (b, fb) = random.pick(values)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: values.append((program.apply(.add, a, b), { fa($0) + fb($0) }))
        case 1: values.append((program.apply(.subtract, a, b), { fa($0) - fb($0) }))
        case 2: values.append((program.apply(.multiply, a, b), { fa($0) * fb($0) }))
        case 3: values.append((program.apply(.divide, a, b), { fa($0) / fb($0) }))
        case 4: values.append((program.apply(.absolute, a), { abs(fa($0)) }))
        case 5:
          let constant = Double(Int.random(in: -3...3, using: &random))
          values.append((program.constant(ScalarValue(constant)), { _ in constant }))
        case 6:
          let condition = program.apply(.less, a, b)
          values.append((program.select(condition, b, a), { fa($0) < fb($0) ? fb($0) : fa($0) }))
        case 7:
          let narrow = program.cast(program.cast(a, to: .float32), to: .float64)
          values.append((narrow, { Double(Float(fa($0))) }))
        default:
          let truth = program.cast(program.apply(.isFinite, a), to: .float64)
          values.append((truth, { fa($0).isFinite ? 1 : 0 }))
        }
      }
      program.finish(values[values.count - 1].register)
      self.program = program
      evaluate = values[values.count - 1].evaluate
    }
  }

  @Test(arguments: 0..<300)
  func randomProgramsWithBroadcasting(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let shape = random.shape()
    let inputs = Int.random(in: 1...3, using: &random)
    let arrays = (0..<inputs).map { _ in random.elements(.float64, random.operand(of: shape)) }
    let program = RandomProgram(inputs: inputs, random: &random)
    let result = NDArray<Double>(try program.program.run(arrays, shape: shape))
    #expect(result.shape == shape)
    let values = arrays.map { NDArray<Double>($0).elements }
    let elements = result.elements
    for (number, index) in indices(of: shape).enumerated() {
      let expected = program.evaluate(arrays.indices.map { values[$0][position(index, in: arrays[$0].shape)] })
      if expected.isNaN ? !elements[number].isNaN : elements[number] != expected {
        Issue.record(
          "seed \(seed), \(arrays.map(\.shape)) to \(shape) at \(index): \(elements[number]), not \(expected)")
        return
      }
    }
  }

  @Test(arguments: [0, 1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 1537])
  func tileBoundaries(_ n: Int) throws {
    let x = NDArray((0..<n).map { Double($0) - 300 })
    let row = NDArray<Double>.full([1], value: 2)
    for operands in [[x.erased, x.erased], [x.erased, row.erased], [row.erased, x.erased]] {
      var program = ElementwiseProgram()
      let (a, b) = (program.input(.float64), program.input(.float64))
      program.finish(program.apply(.add, program.apply(.multiply, a, b), a))
      let result = NDArray<Double>(try program.run(operands, shape: [n])).elements
      let values = operands.map { NDArray<Double>($0).elements }
      for index in 0..<n {
        let (p, q) = (values[0][values[0].count == 1 ? 0 : index], values[1][values[1].count == 1 ? 0 : index])
        #expect(result[index] == p * q + p)
      }
    }
  }

  @Test(arguments: ElementType.allCases)
  func selectionOfEveryTypeAndScalars(_ type: ElementType) throws {
    var random = SplitMix64(seed: 21)
    let arrays = [random.elements(.bool, [601]), random.elements(type, [601]), random.elements(type, [601])]
    for scalars in 0..<8 {
      let operands = try arrays.indices.map { scalars >> $0 & 1 == 1 ? try arrays[$0].slice([5..<6]) : arrays[$0] }
      var program = ElementwiseProgram()
      let registers = operands.map { program.input($0.elementType) }
      program.finish(program.select(registers[0], registers[1], registers[2]))
      let result = try program.run(operands, shape: [601])
      for index in 0..<601 {
        let at = operands.map { $0.count == 1 ? 0 : index }
        let wanted =
          operands[0].scalar(at[0]).value(as: Bool.self) ? operands[1].scalar(at[1]) : operands[2].scalar(at[2])
        #expect(result.scalar(index) == wanted)
      }
    }
  }

  @Test func equalSubexpressionsAreShared() {
    var program = ElementwiseProgram()
    let (a, b) = (program.input(.float64), program.input(.float64))
    let first = program.apply(.add, a, b)
    #expect(program.apply(.add, a, b) == first)
    #expect(program.apply(.add, b, a) != first)
    #expect(program.constant(ScalarValue(0.0)) != program.constant(ScalarValue(-0.0)))
    #expect(program.constant(ScalarValue(Double.nan)) == program.constant(ScalarValue(Double.nan)))
    #expect(program.operationCount == 2)
  }

  @Test func inliningIsComposition() throws {
    var inner = ElementwiseProgram()
    let x = inner.input(.float64)
    inner.finish(inner.apply(.multiply, inner.apply(.subtract, x, inner.constant(ScalarValue(1.0))), x))
    var outer = ElementwiseProgram()
    let (a, b) = (outer.input(.float64), outer.input(.float64))
    outer.finish(outer.inline(inner, inputs: [outer.apply(.add, a, b)]))
    let result = try outer.run([NDArray([1.0, 2, 3]).erased, NDArray([10.0]).erased], shape: [3])
    #expect(NDArray<Double>(result).elements == [110, 132, 156])
  }

  @Test func outputsThatAreInputsOrConstants() throws {
    let x = NDArray([1.0, 2, 3])
    var program = ElementwiseProgram()
    program.finish(program.input(.float64))
    #expect(try program.run([x.erased], shape: [3]).storage === x.erased.storage)
    #expect(NDArray<Double>(try program.run([x.erased], shape: [2, 3])).elements == [1, 2, 3, 1, 2, 3])
    let column = x.erased.reshaped([3, 1])
    #expect(NDArray<Double>(try program.run([column], shape: [3, 2])).elements == [1, 1, 2, 2, 3, 3])
    var constant = ElementwiseProgram()
    constant.finish(constant.constant(ScalarValue(Int32(7))))
    #expect(NDArray<Int32>(try constant.run([], shape: [2, 600])).elements == Array(repeating: 7, count: 1200))
  }

  @Test func shapesThatDoNotBroadcastAreNamed() throws {
    let error = #expect(throws: MusterError.self) { try Shapes.broadcast([[3, 4], [2, 4]]) }
    #expect(error?.code == .shapeMismatch)
    #expect(error?.message.contains("[3, 4] and [2, 4]") == true)
    var program = ElementwiseProgram()
    program.finish(program.apply(.negate, program.input(.float64)))
    let mismatch = #expect(throws: MusterError.self) { try program.run([NDArray([1.0, 2]).erased], shape: [3]) }
    #expect(mismatch?.message.contains("[2]") == true && mismatch?.message.contains("[3]") == true)
    #expect(throws: MusterError.self) { try program.run([NDArray<Double>.zeros([2, 3]).erased], shape: [3]) }
  }
}
