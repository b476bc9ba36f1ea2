package import MusterScheduling

/// A value that is to be computed: an array, a delayed value, or a list of such. Delayed functions take them as inputs,
/// and a collective computes them.
public protocol GraphValue<Value>: Sendable {
  /// What it is once it is computed.
  associatedtype Value: Sendable

  /// What it is within a graph.
  var operand: GraphOperand<Value> { get }
}

/// What a value is within a graph: the tasks behind it, and how their blocks become the value.
public struct GraphOperand<Value: Sendable>: Sendable {
  /// What the value is made of, in the order in which `read` takes the blocks.
  package var sources: [GraphSource]
  /// Makes the value of the blocks of its sources' tasks. Holds no node: a node holds those below it as sources only, and
  /// lets go of them link by link.
  package var read: @Sendable (inout BlockReader) throws -> Value

  package init(sources: [GraphSource], read: @escaping @Sendable (inout BlockReader) throws -> Value) {
    self.sources = sources
    self.read = read
  }
}

/// A list of values: its value is the list of theirs. Whatever is computed for several of them is computed once.
extension Array: GraphValue where Element: GraphValue {
  /// What the list is within a graph: the tasks of all of its values.
  public var operand: GraphOperand<[Element.Value]> {
    let operands = map(\.operand)
    let reads = operands.map(\.read)
    return GraphOperand(sources: operands.flatMap(\.sources)) { reader in try reads.map { try $0(&reader) } }
  }
}

/// What a value in a graph is made of.
package enum GraphSource: Sendable {
  /// A function that has been put off: one task.
  case delayed(DelayedNode)
  /// Something of a library above: as many tasks as it takes.
  case part(any PlanPart)

  var session: Session {
    switch self {
    case .delayed(let node): node.session
    case .part(let part): part.session
    }
  }

  /// The number of the call that made it.
  var number: Int {
    switch self {
    case .delayed(let node): node.number
    case .part(let part): part.number
    }
  }

  var identity: ObjectIdentifier {
    switch self {
    case .delayed(let node): ObjectIdentifier(node)
    case .part(let part): part.identity
    }
  }
}

/// Something that a library above the runtime puts into plans, such as a chunked array.
package protocol PlanPart: Sendable {
  var session: Session { get }
  /// The number of the call that made it, the same on every rank.
  var number: Int { get }
  /// Two with the same identity are the same.
  var identity: ObjectIdentifier { get }

  /// Adds the layers of all parts of this kind that a collective needs, so that what they share is computed once.
  ///
  /// - Parameter parts: values of this type, each once.
  /// - Returns: for each part, the tasks whose blocks are its value.
  /// - Throws: `MusterError` where a part can't be computed at all.
  static func lower(_ parts: [any PlanPart], into plan: inout Plan) throws -> [[TaskID]]
}

/// Hands out blocks in order.
package struct BlockReader {
  private var rest: ArraySlice<any Block>

  package init(_ blocks: [any Block]) { rest = blocks[...] }

  /// - Precondition: there is one left.
  package mutating func next() -> any Block { rest.removeFirst() }
}
