/// An elementwise expression as a flat list of instructions on registers, each assigned once.
///
/// A register stands for one element; a run evaluates the list for tiles of elements at a time, so that intermediate
/// values stay in the first-level cache. Equal subexpressions get the same register.
package struct ElementwiseProgram: Sendable {
  /// A value in the program.
  package struct Register: Sendable, Hashable {
    let index: Int
  }

  enum Instruction: Sendable, Hashable {
    case input(Int)
    case constant(ScalarValue)
    case unary(UnaryOperation, Register)
    case binary(BinaryOperation, Register, Register)
    case cast(Register, ElementType)
    case select(Register, Register, Register)
  }

  private(set) var instructions: [Instruction] = []
  private(set) var types: [ElementType] = []
  private var known: [Instruction: Register] = [:]
  /// The element types of the inputs, in the order in which they were added.
  package private(set) var inputTypes: [ElementType] = []
  private var outputRegister: Register?

  package init() {}

  /// The register whose value a run yields.
  ///
  /// - Precondition: `finish(_:)` was called.
  package var output: Register {
    guard let outputRegister else { preconditionFailure("an elementwise program was run before finish(_:)") }
    return outputRegister
  }

  package var outputType: ElementType { type(of: output) }

  package func type(of register: Register) -> ElementType { types[register.index] }

  /// The number of instructions that compute, inputs and constants aside.
  package var operationCount: Int {
    instructions.count {
      switch $0 {
      case .input, .constant: false
      default: true
      }
    }
  }

  private mutating func append(_ instruction: Instruction, _ type: ElementType) -> Register {
    if let register = known[instruction] { return register }
    let register = Register(index: instructions.count)
    instructions.append(instruction)
    types.append(type)
    known[instruction] = register
    return register
  }

  /// The next array that a run is given.
  package mutating func input(_ type: ElementType) -> Register {
    inputTypes.append(type)
    return append(.input(inputTypes.count - 1), type)
  }

  package mutating func constant(_ value: ScalarValue) -> Register { append(.constant(value), value.elementType) }

  /// - Precondition: the operation has a result for the operand's type.
  package mutating func apply(_ operation: UnaryOperation, _ a: Register) -> Register {
    let type = type(of: a)
    guard let result = operation.resultType(for: type) else { preconditionFailure("no \(operation) of \(type)") }
    if operation.isIdentity(for: type) { return a }
    return append(.unary(operation, cast(a, to: operation.operandType(for: type))), result)
  }

  /// - Precondition: the operands have one type, and the operation a result for it.
  package mutating func apply(_ operation: BinaryOperation, _ a: Register, _ b: Register) -> Register {
    let type = type(of: a)
    precondition(type == self.type(of: b), "\(operation) of \(type) and \(self.type(of: b))")
    guard let result = operation.resultType(for: type) else { preconditionFailure("no \(operation) of \(type)") }
    let operand = operation.operandType(for: type)
    return append(.binary(operation, cast(a, to: operand), cast(b, to: operand)), result)
  }

  /// The value as another type. Integers wrap; floating point goes to integers towards zero, saturates, NaN becomes
  /// 0; complex goes to real by its real part; to Bool everything but zero is true.
  package mutating func cast(_ a: Register, to type: ElementType) -> Register {
    type == self.type(of: a) ? a : append(.cast(a, type), type)
  }

  /// `a` where the condition holds, else `b`.
  ///
  /// - Precondition: the condition is Bool, `a` and `b` have one type.
  package mutating func select(_ condition: Register, _ a: Register, _ b: Register) -> Register {
    precondition(type(of: condition) == .bool && type(of: a) == type(of: b))
    return append(.select(condition, a, b), type(of: a))
  }

  /// Adds what another program computes, with registers of this one as its inputs: how a chain of operations becomes
  /// one program.
  package mutating func inline(_ program: ElementwiseProgram, inputs: [Register]) -> Register {
    precondition(inputs.map(type(of:)) == program.inputTypes)
    var registers: [Register] = []
    for instruction in program.instructions {
      let register =
        switch instruction {
        case .input(let number): inputs[number]
        case .constant(let value): constant(value)
        case .unary(let operation, let a): apply(operation, registers[a.index])
        case .binary(let operation, let a, let b): apply(operation, registers[a.index], registers[b.index])
        case .cast(let a, let type): cast(registers[a.index], to: type)
        case .select(let c, let a, let b): select(registers[c.index], registers[a.index], registers[b.index])
        }
      registers.append(register)
    }
    return registers[program.output.index]
  }

  /// Says which register is the result.
  package mutating func finish(_ register: Register) { outputRegister = register }
}
