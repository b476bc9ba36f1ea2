internal import CKernels
internal import MusterRuntime

extension ElementwiseProgram {
  /// Rows shorter than this aren't worth tiles of their own.
  private static let shortRow = 64

  /// Evaluates the program for every element of a shape.
  ///
  /// - Throws: `MusterError` with code `shapeMismatch` where an input doesn't broadcast to the shape,
  ///   `invalidArgument` where integers are divided by zero or raised to a negative power, and `outOfMemory`.
  package func run(
    _ inputs: [AnyNDArray], shape: [Int], instructionSet: InstructionSet = .best
  ) throws -> AnyNDArray {
    checkTypes(inputs)
    let space = try IterationSpace(inputs: inputs.map(\.shape), shape: shape)
    if case .input(let number) = instructions[output.index], inputs[number].shape == shape { return inputs[number] }
    let result = try AnyNDArray(allocating: outputType, shape: shape)
    guard result.count > 0 else { return result }

    let isFlat = space.shape.count > 1 && space.innerCount < Self.shortRow
    try withExtendedLifetime(inputs) {
      let machine = try TileMachine(
        self, inputs: inputs, space: space, isFlat: isFlat, writesDestination: true, instructionSet: instructionSet)
      if isFlat {
        try runFlat(machine, inputs, space, into: result.storage.bytes)
      } else {
        try runRows(machine, inputs, space, into: result.storage.bytes)
      }
    }
    return result
  }

  func checkTypes(_ inputs: [AnyNDArray]) {
    precondition(
      inputs.map(\.elementType) == inputTypes, "inputs of types \(inputs.map(\.elementType)), not \(inputTypes)")
  }

  private func runRows(
    _ machine: TileMachine, _ inputs: [AnyNDArray], _ space: IterationSpace, into result: UnsafeMutableRawPointer
  ) throws {
    let size = outputType.byteCount
    let inner = space.innerCount
    let odometer = Odometer(
      space, dimensions: Array(0..<space.shape.count - 1), elementSizes: inputs.map(\.elementType.byteCount))
    var target = result
    repeat {
      try machine.enterRow(odometer.offsets)
      var start = 0
      while start < inner {
        let count = min(TileMachine.tileCount, inner - start)
        machine.setDestination(target)
        try machine.runTile(start: start, count: count)
        target += count * size
        start += count
      }
    } while odometer.advance()
  }

  private func runFlat(
    _ machine: TileMachine, _ inputs: [AnyNDArray], _ space: IterationSpace, into result: UnsafeMutableRawPointer
  ) throws {
    let size = outputType.byteCount
    let total = space.count
    let rank = space.shape.count
    var start = 0
    while start < total {
      let count = min(TileMachine.tileCount, total - start)
      for gathered in machine.gathered {
        let input = inputs[gathered.input]
        ck_gather(
          machine.gatherTarget(gathered), input.storage.bytes, space.strides[gathered.input], space.shape, rank,
          input.elementType.byteCount, start, count)
      }
      machine.setDestination(result + start * size)
      try machine.runTile(start: start, count: count)
      start += count
    }
  }
}
