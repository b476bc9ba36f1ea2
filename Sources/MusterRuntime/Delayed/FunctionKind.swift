/// What functions have in common that are put off at one place under one name, and yield one type.
final class FunctionKind: Sendable {
  let call: CallKind
  /// The type of the block that the function yields.
  let blockType: any Block.Type
  /// Why it can't be computed at all.
  let failure: MusterError?
  /// Which of the kinds of a lowering it is. Written under the lock of its session's lowerings alone.
  nonisolated(unsafe) var mark = LoweringMark()

  var name: String { call.operation }
  var callSite: CallSite? { call.callSite }

  init(name: String, callSite: CallSite, blockType: any FunctionBlock.Type) {
    // Its description would be ten times the work.
    call = CallKind(operation: name, elementType: blockType.valueName, callSite: callSite)
    self.blockType = blockType
    failure = blockType.refusal(name: name, callSite: callSite)
  }
}

/// What a lowering notes on a node or kind that it comes by, so that it needn't look it up.
struct LoweringMark: Sendable {
  /// The number of the lowering that made the mark; that of another one says nothing.
  var lowering = 0
  var place = 0
}

/// The block of what a function yields.
@usableFromInline
protocol FunctionBlock: Block {
  /// What messages call the value's type.
  static var valueName: String { get }
  /// Why a value of the type can't be that of a function that is put off; nil where it can.
  static func refusal(name: String, callSite: CallSite) -> MusterError?
}

extension ValueBlock: FunctionBlock {
  @usableFromInline
  static var valueName: String { _typeName(Value.self, qualified: false) }

  @usableFromInline
  static func refusal(name: String, callSite: CallSite) -> MusterError? {
    guard let fix = ValueWay.refusal(of: Value.self) else { return nil }
    return MusterError(
      .invalidArgument, "\(name): a value of type \(Value.self) can't cross to another rank",
      fix: fix, callSite: callSite)
  }
}
