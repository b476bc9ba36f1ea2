import MusterArrays
import MusterSimulation
import Testing

/// All instruction sets of this processor give the same bits.
struct InstructionSetTests {
  /// Operations whose plain form on x86-64 is for processors without fused multiply-add, and of its own rounding.
  private static let functions: Set<UnaryOperation> = [
    .exp, .expm1, .log, .log1p, .log2, .log10, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh,
  ]

  private func others(_ isFunction: Bool) -> [InstructionSet] {
    InstructionSet.allCases.filter { $0.isAvailable && $0 != .best && !(isFunction && $0 == .plain) }
  }

  @Test(arguments: ElementType.allCases)
  func elementwise(_ type: ElementType) throws {
    var random = SplitMix64(seed: 12)
    let a = random.elements(type, [1031])
    let b =
      type.isInteger
      ? try AnyNDArray.filled(with: ScalarValue(3.0), shape: [1031]).cast(to: type) : random.elements(type, [1031])
    for operation in UnaryOperation.allCases where operation.resultType(for: type) != nil {
      var program = ElementwiseProgram()
      program.finish(program.apply(operation, program.input(type)))
      let best = try program.run([a], shape: [1031])
      for other in others(Self.functions.contains(operation)) {
        #expect(
          try program.run([a], shape: [1031], instructionSet: other).bytes == best.bytes, "\(operation), \(other)")
      }
    }
    for operation in BinaryOperation.allCases where operation.resultType(for: type) != nil {
      var program = ElementwiseProgram()
      program.finish(program.apply(operation, program.input(type), program.input(type)))
      let best = try program.run([a, b], shape: [1031])
      for other in others(operation == .atan2 || operation == .power) {
        #expect(
          try program.run([a, b], shape: [1031], instructionSet: other).bytes == best.bytes, "\(operation), \(other)")
      }
    }
  }

  @Test(arguments: ElementType.allCases)
  func reductions(_ type: ElementType) throws {
    var random = SplitMix64(seed: 13)
    let finite = random.elements(type, [77, 641])
    for kind in ReductionKind.allCases where kind.accumulatorType(for: type) != nil {
      for axes in [[0], [1], [0, 1]] {
        var program = ElementwiseProgram()
        program.finish(program.input(type))
        let best = try program.reduce([finite], shape: [77, 641], kind: kind, axes: axes)
        for other in others(false) {
          let result = try program.reduce([finite], shape: [77, 641], kind: kind, axes: axes, instructionSet: other)
          #expect(result.values.bytes == best.values.bytes, "\(kind) over \(axes), \(other)")
          #expect(result.deviations?.bytes == best.deviations?.bytes)
        }
      }
    }
  }

  /// A value doesn't depend on its place in a tile, or on its neighbours.
  @Test func functionsDoNotDependOnTheirPlace() throws {
    var random = SplitMix64(seed: 14)
    let values = random.elements(.float64, [600])
    for operation in Self.functions {
      for type in [ElementType.float64, .float32] {
        var program = ElementwiseProgram()
        program.finish(program.apply(operation, program.input(type)))
        let x = try values.cast(to: type)
        let whole = try program.run([x], shape: [600])
        for start in [0, 1, 2, 3, 5, 9, 17, 300, 511, 512, 599] {
          let alone = try program.run([x.slice([start..<start + 1])], shape: [1])
          #expect(alone.scalar(0) == whole.scalar(start), "\(operation) of \(x.scalar(start))")
        }
      }
    }
  }
}
