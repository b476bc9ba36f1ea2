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
    // Closures, not key paths: in generic code a key path is made anew at each call, by way of its type's name, which
    // takes far longer than all else that putting a function off does.
    var sources: [GraphSource] = []
    let reads = map { element in
      let operand = element.operand
      sources += operand.sources
      return operand.read
    }
    return GraphOperand(sources: sources) { reader in try reads.map { try $0(&reader) } }
  }
}
