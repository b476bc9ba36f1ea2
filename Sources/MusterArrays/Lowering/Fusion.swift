internal import MusterRuntime
internal import MusterScheduling

/// A chain of elementwise operations as one program, and the nodes whose blocks it takes.
struct Fusion {
  /// The shape and grid that the program runs over.
  var grid: ChunkGrid
  var program = ElementwiseProgram()
  var leaves: [ArrayExpression] = []
  /// The sum of the steps' weights.
  var weight = 0
  /// The names of the steps, the first one first.
  var names: [String] = []
  var callSite: CallSite?
  private var registers: [ObjectIdentifier: ElementwiseProgram.Register] = [:]

  /// Programs are cut at this many operations: by then the passes saved are few, and registers begin to spill.
  static let operationLimit = 64
  /// Elementwise work up to this weight is done again for each consumer rather than kept.
  static let cheapWeight = 4

  init(grid: ChunkGrid, callSite: CallSite?) {
    self.grid = grid
    self.callSite = callSite
  }

  /// The register that holds the elements of a node, which becomes an input of the program.
  mutating func register(of leaf: ArrayExpression) -> ElementwiseProgram.Register {
    if let register = registers[ObjectIdentifier(leaf)] { return register }
    let register = program.input(leaf.elementType)
    leaves.append(leaf)
    registers[ObjectIdentifier(leaf)] = register
    return register
  }

  /// Takes over another fusion's program.
  mutating func absorb(_ other: Fusion) -> ElementwiseProgram.Register {
    weight += other.weight
    for name in other.names where !names.contains(name) { names.append(name) }
    return program.inline(other.program, inputs: other.leaves.map { register(of: $0) })
  }
}

extension Lowering {
  /// The program of an elementwise node: its own step, and those of its operands that aren't kept.
  func fusion(of node: ArrayExpression) throws -> Fusion {
    if let known = fusions[ObjectIdentifier(node)] { return known }
    guard let operation = node.operation as? ElementwiseOperation else {
      preconditionFailure("\(node.operation.name) isn't elementwise")
    }
    var fusion = Fusion(grid: node.grid, callSite: node.callSite)
    var registers: [ElementwiseProgram.Register] = []
    for argument in operation.arguments {
      switch argument {
      case .scalar(let value): registers.append(fusion.program.constant(value))
      case .array(let operand): registers.append(try register(of: operand, in: &fusion))
      }
    }
    fusion.program.finish(operation.step.apply(registers, in: &fusion.program))
    fusion.weight += operation.step.weight
    if operation.step.weight > 0, !fusion.names.contains(operation.name) { fusion.names.append(operation.name) }
    fusions[ObjectIdentifier(node)] = fusion
    return fusion
  }

  /// A program that yields a node's elements: its own, if it is elementwise and not kept, or one that only reads them.
  func program(yielding node: ArrayExpression) throws -> Fusion {
    if node.operation is ElementwiseOperation, try blocks(of: node).layerNumber == nil { return try fusion(of: node) }
    var fusion = Fusion(grid: node.grid, callSite: node.callSite)
    fusion.program.finish(fusion.register(of: node))
    return fusion
  }

  private func register(
    of operand: ArrayExpression, in fusion: inout Fusion
  ) throws -> ElementwiseProgram.Register {
    // An operand that is stretched would be computed again for each element that it is stretched to.
    if operand.operation is ElementwiseOperation, operand.shape == fusion.grid.shape,
      try blocks(of: operand).layerNumber == nil
    {
      let inner = try self.fusion(of: operand)
      if inner.program.operationCount + fusion.program.operationCount < Fusion.operationLimit {
        return fusion.absorb(inner)
      }
    }
    return fusion.register(of: operand)
  }
}

/// A fusion's leaves as functions: gives the program's inputs for a chunk.
struct FusedInputs: Sendable {
  private var leaves: [(function: BlockFunction, map: ChunkMap)] = []
  var cost = BlockFunction.Cost.nothing
  /// As of a function that only takes the inputs.
  var writes = 0.0
  var depth = 0

  init(_ fusion: Fusion, in lowering: Lowering) throws {
    for leaf in fusion.leaves {
      let grid = fusion.grid.restricted(to: leaf.shape)
      let map = fusion.grid.chunkMap(to: grid)
      let function = try lowering.blocks(of: leaf, on: grid, takenOnce: map.isInjective)
      cost = max(cost, function.cost)
      writes += function.writes
      depth = max(depth, function.depth)
      leaves.append((function, map))
    }
  }

  func append(_ chunk: Int, into tasks: inout [TaskID]) {
    for leaf in leaves { leaf.function.inputs(leaf.map(chunk), &tasks) }
  }

  func blocks(_ chunk: Int, _ blocks: inout BlockCursor) throws -> [AnyNDArray] {
    var inputs: [AnyNDArray] = []
    inputs.reserveCapacity(leaves.count)
    for leaf in leaves { inputs.append(try leaf.function.run(leaf.map(chunk), &blocks)) }
    return inputs
  }

  /// The name of operations on the inputs.
  func name(of operations: [String]) -> String { BlockFunction.name(of: operations, behind: leaves.map(\.function)) }
}

extension Fusion {
  func function(in lowering: Lowering) throws -> BlockFunction {
    let inputs = try FusedInputs(self, in: lowering)
    let grid = grid
    let program = program
    let isCheap = weight <= Self.cheapWeight
    return BlockFunction(
      grid: grid, elementType: program.outputType, name: inputs.name(of: names), callSite: callSite,
      cost: isCheap ? max(inputs.cost, .pass) : .work, writes: inputs.writes + Double(grid.largestChunk),
      depth: inputs.depth + 1,
      inputs: { chunk, into in inputs.append(chunk, into: &into) },
      run: { chunk, blocks in
        try program.run(try inputs.blocks(chunk, &blocks), shape: grid.shape(of: chunk))
      })
  }
}
