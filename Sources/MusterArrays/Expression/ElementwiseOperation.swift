internal import MusterRuntime

/// One operation on each element, operands broadcast together. Chains of them are fused when they are lowered.
struct ElementwiseOperation: ArrayOperation {
  enum Step: Sendable, Hashable {
    case unary(UnaryOperation)
    case binary(BinaryOperation)
    case cast(ElementType)
    /// The first operand chooses between the other two.
    case select
    /// Stretches its operand to the node's shape.
    case broadcast
  }
  enum Argument: Sendable {
    case array(ArrayExpression)
    case scalar(ScalarValue)

    var elementType: ElementType {
      switch self {
      case .array(let expression): expression.elementType
      case .scalar(let value): value.elementType
      }
    }
  }
  var step: Step
  var arguments: [Argument]

  var name: String { step.name }
  var operands: [ArrayExpression] {
    arguments.compactMap { if case .array(let expression) = $0 { expression } else { nil } }
  }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    try lowering.fusion(of: node).function(in: lowering)
  }
}

extension ElementwiseOperation.Step {
  var name: String {
    switch self {
    case .unary(let operation): "\(operation)"
    case .binary(let operation): "\(operation)"
    case .cast(let type): "as\(type)"
    case .select: "which"
    case .broadcast: "broadcast"
    }
  }

  /// How many plain operations it is worth: what decides whether it is done again or kept.
  var weight: Int {
    switch self {
    case .unary(let operation): operation.rawValue >= UnaryOperation.exp.rawValue ? 16 : 1
    case .binary(.power), .binary(.atan2), .binary(.remainder): 16
    case .binary, .cast, .select: 1
    case .broadcast: 0
    }
  }

  func apply(_ registers: [ElementwiseProgram.Register], in program: inout ElementwiseProgram)
    -> ElementwiseProgram.Register
  {
    switch self {
    case .unary(let operation): program.apply(operation, registers[0])
    case .binary(let operation): program.apply(operation, registers[0], registers[1])
    case .cast(let type): program.cast(registers[0], to: type)
    case .select: program.select(registers[0], registers[1], registers[2])
    case .broadcast: registers[0]
    }
  }

  /// The element type of the result.
  ///
  /// - Throws: `MusterError` with code `unsupported`.
  func resultType(of arguments: [ElementwiseOperation.Argument]) throws -> ElementType {
    let types = arguments.map(\.elementType)
    let result: ElementType? =
      switch self {
      case .unary(let operation): operation.resultType(for: types[0])
      case .binary(let operation): types[0] == types[1] ? operation.resultType(for: types[0]) : nil
      case .cast(let type): type
      case .select: types[0] == .bool && types[1] == types[2] ? types[1] : nil
      case .broadcast: types[0]
      }
    guard let result else {
      throw MusterError(
        .unsupported, "there is no \(name) of \(types.map(\.description).joined(separator: " and "))",
        fix: "Convert with asType(_:) first")
    }
    return result
  }
}

extension ArrayExpression {
  /// A node that applies a step to arguments, at least one of which is an array.
  static func elementwise(
    _ step: ElementwiseOperation.Step, _ arguments: [ElementwiseOperation.Argument], as elementType: ElementType,
    callSite: CallSite? = nil
  ) -> ArrayExpression {
    let operation = ElementwiseOperation(step: step, arguments: arguments)
    let operands = operation.operands
    var detail = ""
    for case .scalar(let value) in arguments { detail += "\(value) " }
    return derive(step.name, elementType, from: operands, detail: detail, callSite: callSite) {
      let shape = try Shapes.broadcast(operands.map(\.shape), operation: step.name)
      return Derivation(
        elementType: try step.resultType(of: arguments), grid: .unified(operands.map(\.grid), shape: shape),
        operation: operation)
    }
  }

  /// The elements as another type; the node itself where they are of that type.
  func cast(to type: ElementType, callSite: CallSite?) -> ArrayExpression {
    type == elementType ? self : .elementwise(.cast(type), [.array(self)], as: type, callSite: callSite)
  }
}
