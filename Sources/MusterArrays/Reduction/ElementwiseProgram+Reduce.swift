internal import CKernels
internal import MusterRuntime

extension ElementwiseProgram {
  /// Rows summed one after the other before their sum goes to the cascade.
  private static let blockRows = 16
  /// An inner dimension shorter than this is exchanged with a longer one first.
  private static let shortRow = 32

  /// Evaluates the program for every element of a shape and reduces the results over axes, in one pass.
  ///
  /// Elements are combined in an order that depends only on the shapes. Sums are pairwise: their relative error grows
  /// with the logarithm of the count.
  ///
  /// - Returns: accumulators, the reduced axes with size 1.
  /// - Throws: `MusterError` with code `invalidAxis`, `unsupported` where the kind has no meaning for the elements, and
  ///   what `run` throws.
  package func reduce(
    _ inputs: [AnyNDArray], shape: [Int], kind: ReductionKind, axes: [Int], instructionSet: InstructionSet = .best
  ) throws -> PartialReduction {
    checkTypes(inputs)
    let axes = try Shapes.normalized(axes: axes, rank: shape.count, operation: "\(kind)")
    guard let accumulatorType = kind.accumulatorType(for: outputType) else {
      throw MusterError(
        .unsupported, "\(kind) of \(outputType) elements isn't defined", fix: "Reduce the real and imaginary parts")
    }
    let resultShape = Shapes.reduced(shape, axes: axes, keepDims: true)
    let count = axes.reduce(1) { $0 * shape[$1] }
    let space = try IterationSpace(inputs: inputs.map(\.shape), shape: shape, reducedAxes: axes)
    if resultShape.contains(0) || count == 0 {
      return try .identity(kind: kind, sourceType: outputType, accumulatorType: accumulatorType, shape: resultShape)
    }

    var program = self
    if kind == .any || kind == .all { program.finish(program.cast(output, to: .bool)) }
    if kind == .moments { program.finish(program.cast(output, to: .float64)) }

    if let longest = space.shape.indices.max(by: { space.shape[$0] < space.shape[$1] }),
      space.innerCount < Self.shortRow, space.shape[longest] >= Self.shortRow
    {
      return try program.reduceExchanged(
        inputs, shape: shape, space: space, innermost: longest, kind: kind, sourceType: outputType, count: count,
        resultShape: resultShape, instructionSet: instructionSet)
    }

    let values = try AnyNDArray(allocating: accumulatorType, shape: resultShape)
    let deviations = kind == .moments ? try AnyNDArray(allocating: .float64, shape: resultShape) : nil
    try withExtendedLifetime(inputs) {
      let machine = try TileMachine(
        program, inputs: inputs, space: space, isFlat: false, writesDestination: false, instructionSet: instructionSet)
      let pass = ReductionPass(
        machine: machine, space: space, kind: kind, sourceType: program.outputType, accumulatorType: accumulatorType,
        elementSizes: inputs.map(\.elementType.byteCount), blockRows: Self.blockRows, instructionSet: instructionSet)
      try pass.run(values: values.storage.bytes, deviations: deviations?.storage.bytes)
    }
    return PartialReduction(
      kind: kind, sourceType: outputType, count: count, values: values, deviations: deviations)
  }

  /// Reduces where the last dimension is too short for tiles: evaluates, makes a long one the last, reduces.
  private func reduceExchanged(
    _ inputs: [AnyNDArray], shape: [Int], space: IterationSpace, innermost: Int, kind: ReductionKind,
    sourceType: ElementType, count: Int, resultShape: [Int], instructionSet: InstructionSet
  ) throws -> PartialReduction {
    var order = Array(space.shape.indices)
    order.append(order.remove(at: innermost))
    let evaluated = try run(inputs, shape: shape, instructionSet: instructionSet)
    let exchanged = try evaluated.reshaped(space.shape).transposed(order)
    var identity = ElementwiseProgram()
    identity.finish(identity.input(exchanged.elementType))
    let axes = order.indices.filter { space.isReduced[order[$0]] }
    let partial = try identity.reduce(
      [exchanged], shape: exchanged.shape, kind: kind, axes: axes, instructionSet: instructionSet)
    let back = order.indices.map { dimension in order.firstIndex(of: dimension) ?? dimension }
    func restored(_ array: AnyNDArray) throws -> AnyNDArray { try array.transposed(back).reshaped(resultShape) }
    return PartialReduction(
      kind: kind, sourceType: sourceType, count: count, values: try restored(partial.values),
      deviations: try partial.deviations.map(restored))
  }
}

/// One pass of a machine over a space, reducing tiles as they come.
private struct ReductionPass {
  let machine: TileMachine
  let space: IterationSpace
  let kind: ReductionKind
  let sourceType: ElementType
  let accumulatorType: ElementType
  let elementSizes: [Int]
  let blockRows: Int
  let instructionSet: InstructionSet

  func run(values: UnsafeMutableRawPointer, deviations: UnsafeMutableRawPointer?) throws {
    let last = space.shape.count - 1
    let kept = Odometer(
      space, dimensions: (0..<last).filter { !space.isReduced[$0] }, elementSizes: elementSizes)
    let reduced = Odometer(
      space, dimensions: (0..<last).filter { space.isReduced[$0] }, elementSizes: elementSizes)
    if space.isReduced[last] {
      try reduceRows(kept, reduced, values, deviations)
    } else {
      try reduceColumns(kept, reduced, values, deviations)
    }
  }

  private func cascade(width: Int) -> Cascade {
    Cascade(
      kind: kind, sourceType: sourceType, accumulatorType: accumulatorType, width: width,
      instructionSet: instructionSet)
  }

  /// The last dimension is reduced: each tile to one accumulator.
  private func reduceRows(
    _ kept: Odometer, _ reduced: Odometer, _ values: UnsafeMutableRawPointer, _ deviations: UnsafeMutableRawPointer?
  ) throws {
    let kernel = try Self.required(
      ck_reduce(instructionSet.rawValue, Int32(kind.rawValue), Int32(sourceType.rawValue)), kind, sourceType)
    let cascade = cascade(width: 1)
    let inner = space.innerCount
    let size = accumulatorType.byteCount
    var element = 0
    repeat {
      repeat {
        try machine.enterRow(kept.offsets, reduced.offsets)
        var start = 0
        while start < inner {
          let count = min(TileMachine.tileCount, inner - start)
          try machine.runTile(start: start, count: count)
          let tile = machine.outputTile
          _ = kernel(cascade.incoming, tile, tile, tile, count)
          cascade.push(count: count, used: 1)
          start += count
        }
      } while reduced.advance()
      cascade.drain(used: 1, values: values + element * size, deviations: deviations.map { $0 + element * size })
      element += 1
    } while kept.advance()
  }

  /// The last dimension stays: tiles are accumulated elementwise, a block of rows at a time.
  private func reduceColumns(
    _ kept: Odometer, _ reduced: Odometer, _ values: UnsafeMutableRawPointer, _ deviations: UnsafeMutableRawPointer?
  ) throws {
    let inner = space.innerCount
    let width = min(inner, TileMachine.tileCount)
    let cascade = cascade(width: width)
    let block = try ColumnBlock(
      kind: kind, sourceType: sourceType, accumulatorType: accumulatorType, width: width, instructionSet: instructionSet
    )
    let size = accumulatorType.byteCount
    var row = 0
    repeat {
      var start = 0
      while start < inner {
        let count = min(TileMachine.tileCount, inner - start)
        repeat {
          try machine.enterRow(kept.offsets, reduced.offsets)
          try machine.runTile(start: start, count: count)
          block.add(machine.outputTile, to: cascade.incoming, used: count)
          if block.rows == blockRows { block.close(into: cascade, used: count) }
        } while reduced.advance()
        if block.rows > 0 { block.close(into: cascade, used: count) }
        let offset = (row * inner + start) * size
        cascade.drain(used: count, values: values + offset, deviations: deviations.map { $0 + offset })
        start += count
      }
      row += 1
    } while kept.advance()
  }

  static func required(_ kernel: ck_kernel?, _ kind: ReductionKind, _ type: ElementType) throws -> ck_kernel {
    guard let kernel else { throw MusterError(.internal, "there is no kernel for \(kind) of \(type)") }
    return kernel
  }
}

/// The rows of a block, accumulated elementwise.
///
/// Moments are of deviations from the block's first row: with few rows the cancellation in their squares costs no
/// more than those rows' number in units of rounding. Its memory is its own, released with it.
private final class ColumnBlock {
  private let first: ck_kernel
  private let accumulate: ck_kernel?
  private let kind: ReductionKind
  private let instructionSet: InstructionSet
  private let width: Int
  private let shift: UnsafeMutablePointer<Double>
  private(set) var rows = 0

  init(
    kind: ReductionKind, sourceType: ElementType, accumulatorType: ElementType, width: Int,
    instructionSet: InstructionSet
  ) throws {
    self.kind = kind
    self.instructionSet = instructionSet
    self.width = width
    let isa = instructionSet.rawValue
    first = try ReductionPass.required(
      ck_cast(isa, Int32(sourceType.rawValue), Int32(accumulatorType.rawValue)), kind, sourceType)
    accumulate =
      kind == .moments
      ? nil
      : try ReductionPass.required(
        ck_accumulate(isa, Int32(kind.rawValue), Int32(sourceType.rawValue)), kind, sourceType)
    shift = .allocate(capacity: width)
  }

  deinit { shift.deallocate() }

  func add(_ tile: UnsafeMutableRawPointer, to sum: UnsafeMutableRawPointer, used: Int) {
    if let accumulate {
      _ = rows == 0 ? first(sum, tile, tile, tile, used) : accumulate(sum, tile, tile, tile, used)
    } else {
      let sums = sum.assumingMemoryBound(to: Double.self)
      let row = tile.assumingMemoryBound(to: Double.self)
      if rows == 0 {
        shift.update(from: row, count: used)
        sums.initialize(repeating: 0, count: 2 * width)
      }
      // The first row too: its deviation from itself is 0, or NaN where it isn't finite.
      ck_moments_add(instructionSet.rawValue, sums, sums + width, shift, row, used)
    }
    rows += 1
  }

  func close(into cascade: Cascade, used: Int) {
    if kind == .moments {
      let sums = cascade.incoming.assumingMemoryBound(to: Double.self)
      ck_moments_close(instructionSet.rawValue, sums, sums + width, shift, Double(rows), used)
    }
    cascade.push(count: rows, used: used)
    rows = 0
  }
}
