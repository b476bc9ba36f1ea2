/// A function that has been put off, with its inputs: one task. Immutable, and built alike on every rank.
@usableFromInline
package final class DelayedNode: Sendable {
  typealias Run = @Sendable (inout BlockReader) throws -> any Block

  let session: Session
  /// The number of the call that made the node, the same on every rank; above those of its inputs.
  let number: Int
  let kind: FunctionKind
  /// The task that has made its block already, or will have, which a worker keeps.
  let kept: KeptTasks?
  /// Takes the inputs' blocks in order.
  let run: Run
  /// Where a lowering has put it. Read and written under the lock of its session's lowerings alone.
  nonisolated(unsafe) var mark = LoweringMark()
  /// Written in `deinit` alone, of this node or of one that held the last reference to it: nobody else has it then.
  nonisolated(unsafe) private(set) var inputs: [GraphSource]

  init(
    session: Session, kind: FunctionKind, number: Int, inputs: [GraphSource],
    run: @escaping Run
  ) {
    self.session = session
    self.kind = kind
    self.number = number
    self.inputs = inputs
    self.run = run
    kept = nil
  }

  /// What another node makes, as a block that is kept. It needs that node's inputs no more.
  init(_ node: DelayedNode, kept: KeptTasks, number: Int) {
    session = node.session
    kind = node.kind
    self.number = number
    inputs = []
    run = { _ in throw MusterError(.internal, "a kept block was to be made again") }
    self.kept = kept
  }

  /// Lets go of a chain of nodes link by link: left to themselves, they would let go of each other within each other,
  /// deeper than a thread's stack.
  deinit {
    guard !inputs.isEmpty else { return }
    var pending = inputs
    inputs = []
    while let last = pending.popLast() {
      guard case .delayed(var node) = consume last else { continue }
      guard isKnownUniquelyReferenced(&node) else { continue }
      pending += node.inputs
      node.inputs = []
    }
  }
}
