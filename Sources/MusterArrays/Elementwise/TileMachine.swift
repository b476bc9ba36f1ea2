internal import CKernels
internal import MusterRuntime

/// A program made ready for a processor and an iteration space: kernels with the slots of their operands, and the
/// memory of intermediate tiles.
///
/// What is one element for all of the space is computed once; what is one element for a row, once a row; the rest a
/// tile at a time. Tiles are reused after their last use, and an operation writes into its operand's tile where that
/// dies. All memory but the inputs' is the machine's own, released with it; whoever runs it keeps the inputs alive.
final class TileMachine {
  /// Elements of a tile: a few tiles fit the first-level cache, and a kernel's call is lost among them.
  static let tileCount = 512

  /// How often a value changes.
  private enum Level: Int, Comparable {
    case once, row, tile
    static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
  }

  private enum Place {
    case external
    case scalar(Int)
    case tile(Int)
  }

  /// An input whose pointer moves.
  private struct Moving {
    var input: Int
    var slot: Int
    var base: UnsafeMutableRawPointer
    var row: UnsafeMutableRawPointer
    var size: Int
  }

  /// An input that is copied into a tile before each run of it.
  struct Gathered {
    var input: Int
    var slot: Int
  }

  private let program: ElementwiseProgram
  private let code: [[ck_instruction]]
  private let origins: [[ElementwiseProgram.Register]]
  private let slots: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let memory: UnsafeMutableRawPointer
  private let rowInputs: UnsafeMutableBufferPointer<Moving>
  private let tileInputs: UnsafeMutableBufferPointer<Moving>
  let gathered: [Gathered]
  private let outputSlot: Int

  /// - Parameters:
  ///   - isFlat: tiles run over the whole space in row-major order, and inputs that aren't contiguous are gathered;
  ///     otherwise tiles are parts of rows, the last dimension.
  ///   - writesDestination: the output goes to the address given to `setDestination`; otherwise to a tile.
  init(
    _ program: ElementwiseProgram, inputs: [AnyNDArray], space: IterationSpace, isFlat: Bool, writesDestination: Bool,
    instructionSet: InstructionSet
  ) throws {
    self.program = program
    let instructions = program.instructions
    let output = program.output.index

    // What the output needs, and where each value is used last.
    var isLive = [Bool](repeating: false, count: instructions.count)
    var lastUse = [Int](repeating: -1, count: instructions.count)
    isLive[output] = true
    for number in instructions.indices.reversed() where isLive[number] {
      for operand in instructions[number].operands {
        isLive[operand.index] = true
        lastUse[operand.index] = max(lastUse[operand.index], number)
      }
    }

    var places: [Place] = []
    var scalarCount = 0
    var tileSlots = 0
    var freeTiles: [Int] = []
    func newSlot(_ place: Place) -> Int {
      places.append(place)
      return places.count - 1
    }
    func newScalar() -> Int {
      scalarCount += 1
      return newSlot(.scalar(scalarCount - 1))
    }
    func newTile() -> Int {
      if let slot = freeTiles.popLast() { return slot }
      tileSlots += 1
      return newSlot(.tile(tileSlots - 1))
    }

    let destination = newSlot(.external)
    var levels = [Level](repeating: .once, count: instructions.count)
    var slotOf = [Int](repeating: 0, count: instructions.count)
    var code: [[ck_instruction]] = [[], [], []]
    var origins: [[ElementwiseProgram.Register]] = [[], [], []]
    var constants: [(slot: Int, value: ScalarValue)] = []
    var fixedInputs: [(slot: Int, address: UnsafeMutableRawPointer)] = []
    var rowInputs: [Moving] = []
    var tileInputs: [Moving] = []
    var gathered: [Gathered] = []

    func emit(_ level: Level, _ kernel: ck_kernel?, _ out: Int, _ operands: [Int], _ origin: Int) throws {
      guard let kernel else {
        throw MusterError(.internal, "there is no kernel for \(instructions[origin]) of \(program.types[origin])")
      }
      let a = operands.first ?? 0
      code[level.rawValue].append(
        ck_instruction(
          kernel: kernel, out: Int32(out), a: Int32(a), b: Int32(operands.count > 1 ? operands[1] : a),
          c: Int32(operands.count > 2 ? operands[2] : a)))
      origins[level.rawValue].append(.init(index: origin))
    }

    for number in instructions.indices where isLive[number] {
      let instruction = instructions[number]
      switch instruction {
      case .constant(let value):
        slotOf[number] = newScalar()
        constants.append((slotOf[number], value))
        continue
      case .input(let input):
        let base = inputs[input].storage.bytes
        let size = inputs[input].elementType.byteCount
        if space.isScalar(input) {
          slotOf[number] = newSlot(.external)
          fixedInputs.append((slotOf[number], base))
        } else if isFlat, !space.isContiguous(input) {
          // Never in the free list: it is filled again before each tile.
          tileSlots += 1
          slotOf[number] = newSlot(.tile(tileSlots - 1))
          levels[number] = .tile
          gathered.append(Gathered(input: input, slot: slotOf[number]))
        } else {
          slotOf[number] = newSlot(.external)
          let moving = Moving(input: input, slot: slotOf[number], base: base, row: base, size: size)
          if !isFlat, space.strides[input][space.shape.count - 1] == 0 {
            levels[number] = .row
            rowInputs.append(moving)
          } else {
            levels[number] = .tile
            tileInputs.append(moving)
          }
        }
        continue
      default: break
      }

      let operands = instruction.operands.map(\.index)
      let level = operands.map { levels[$0] }.max() ?? .once
      levels[number] = level
      let operandSlots = operands.map { slotOf[$0] }
      if level < .tile {
        slotOf[number] = newScalar()
      } else {
        let dying = operands.filter { operand in
          if lastUse[operand] != number || levels[operand] != .tile { return false }
          if case .input = instructions[operand] { return false }
          return true
        }
        let dyingSlots = Set(dying.map { slotOf[$0] })
        let size = program.types[number].byteCount
        if number == output, writesDestination {
          slotOf[number] = destination
        } else if let reused = dying.first(where: { program.types[$0].byteCount == size }) {
          slotOf[number] = slotOf[reused]
        } else {
          slotOf[number] = newTile()
        }
        for slot in dyingSlots.sorted() where slot != slotOf[number] { freeTiles.append(slot) }
      }
      let scalars = operands.map { level == .tile && levels[$0] < .tile }
      try emit(
        level, program.kernel(of: number, scalars: scalars, instructionSet: instructionSet), slotOf[number],
        operandSlots, number)
    }

    // An output that no tile instruction computes: a copy, or one element repeated.
    let size = Int32(program.outputType.byteCount)
    if levels[output] < .tile {
      let target = writesDestination ? destination : newTile()
      try emit(.tile, ck_fill(size), target, [slotOf[output]], output)
      outputSlot = target
    } else if writesDestination, slotOf[output] != destination {
      try emit(.tile, ck_copy(size), destination, [slotOf[output]], output)
      outputSlot = destination
    } else {
      outputSlot = slotOf[output]
    }

    let widest = instructions.indices.lazy.filter { isLive[$0] }.map { program.types[$0].byteCount }.max() ?? 16
    let tileBytes = Self.tileCount * widest
    memory = .allocate(byteCount: tileSlots * tileBytes + scalarCount * 16 + 16, alignment: 64)
    slots = .allocate(capacity: places.count)
    for (slot, place) in places.enumerated() {
      switch place {
      case .external: slots[slot] = nil
      case .tile(let cell): slots[slot] = memory + cell * tileBytes
      case .scalar(let cell): slots[slot] = memory + tileSlots * tileBytes + cell * 16
      }
    }
    for (slot, value) in constants { slots[slot].map { value.store(to: $0) } }
    for (slot, address) in fixedInputs { slots[slot] = address }
    self.rowInputs = .allocate(capacity: rowInputs.count)
    _ = self.rowInputs.initialize(from: rowInputs)
    self.tileInputs = .allocate(capacity: tileInputs.count)
    _ = self.tileInputs.initialize(from: tileInputs)
    self.gathered = gathered
    self.code = code
    self.origins = origins
    try execute(.once, 1)
  }

  deinit {
    memory.deallocate()
    slots.deallocate()
    rowInputs.deallocate()
    tileInputs.deallocate()
  }

  private func execute(_ level: Level, _ count: Int) throws {
    var status: Int32 = 0
    let list = code[level.rawValue]
    let failed = list.withUnsafeBufferPointer { ck_execute($0.baseAddress, list.count, slots, count, &status) }
    if failed != 0 { throw program.failure(status, at: origins[level.rawValue][failed - 1]) }
  }

  /// Goes to the row at these offsets in bytes, the sum of both, of each input.
  func enterRow(_ offsets: UnsafePointer<Int>, _ more: UnsafePointer<Int>? = nil) throws {
    for number in tileInputs.indices {
      let input = tileInputs[number].input
      tileInputs[number].row = tileInputs[number].base + offsets[input] + (more.map { $0[input] } ?? 0)
    }
    for moving in rowInputs {
      slots[moving.slot] = moving.base + offsets[moving.input] + (more.map { $0[moving.input] } ?? 0)
    }
    if !code[Level.row.rawValue].isEmpty { try execute(.row, 1) }
  }

  /// Where the next tile goes.
  func setDestination(_ address: UnsafeMutableRawPointer) { slots[0] = address }

  /// Computes the elements [start, start + count) of the row, or of the space where it is flat.
  func runTile(start: Int, count: Int) throws {
    for moving in tileInputs { slots[moving.slot] = moving.row + start * moving.size }
    try execute(.tile, count)
  }

  /// The tile that was computed last, until the next one.
  var outputTile: UnsafeMutableRawPointer {
    guard let address = slots[outputSlot] else { preconditionFailure("a tile was asked for before it was computed") }
    return address
  }

  /// The tile that an input is gathered into.
  func gatherTarget(_ gathered: Gathered) -> UnsafeMutableRawPointer? { slots[gathered.slot] }
}

extension ElementwiseProgram.Instruction {
  var operands: [ElementwiseProgram.Register] {
    switch self {
    case .input, .constant: []
    case .unary(_, let a), .cast(let a, _): [a]
    case .binary(_, let a, let b): [a, b]
    case .select(let c, let a, let b): [a, b, c]
    }
  }
}

extension ElementwiseProgram {
  /// The kernel of an instruction, some of whose operands are one element for the tile.
  fileprivate func kernel(of number: Int, scalars: [Bool], instructionSet: InstructionSet) -> ck_kernel? {
    let isa = instructionSet.rawValue
    switch instructions[number] {
    case .input, .constant: return nil
    case .unary(let operation, let a): return ck_unary(isa, operation.rawValue, Int32(types[a.index].rawValue))
    case .cast(let a, let type): return ck_cast(isa, Int32(types[a.index].rawValue), Int32(type.rawValue))
    case .binary(let operation, let a, _):
      let variant = scalars[0] ? CK_SV : scalars[1] ? CK_VS : CK_VV
      return ck_binary(isa, operation.rawValue, Int32(types[a.index].rawValue), Int32(variant))
    case .select:
      let bits: Int32 = (scalars[0] ? 1 : 0) | (scalars[1] ? 2 : 0) | (scalars[2] ? 4 : 0)
      return ck_select(isa, Int32(types[number].byteCount), bits)
    }
  }

  /// The error for what a kernel returned.
  fileprivate func failure(_ status: Int32, at register: Register) -> MusterError {
    var name = "an operation"
    if case .binary(let operation, _, _) = instructions[register.index] { name = "\(operation)" }
    let type = types[register.index]
    return switch Int(status) {
    case CK_DIVISION_BY_ZERO:
      MusterError(
        .invalidArgument, "\(name) of \(type) elements has a zero among its divisors",
        fix: "Replace the zeros first, or cast to Double")
    case CK_NEGATIVE_EXPONENT:
      MusterError(
        .invalidArgument, "\(name) of \(type) elements has a negative exponent", fix: "Cast the base to Double")
    default: MusterError(.internal, "\(name) of \(type) elements failed with status \(status)")
    }
  }
}
