internal import MusterRuntime
internal import MusterScheduling

/// How the blocks of an array come to be, one at a time: from which tasks' blocks, and by what.
///
/// A function is either the blocks of a layer as they are, or runs inside the task of whoever consumes it; then nothing
/// of it is kept. Functions nest: that is how operations are fused into one task.
struct BlockFunction: Sendable {
  /// What each chunk of the array is.
  var grid: ChunkGrid
  var elementType: ElementType
  /// The operations inside, the first one first, as a name for a layer.
  var name: String
  var callSite: CallSite?
  /// What it takes to run the function again instead of keeping its blocks.
  var cost: Cost
  /// How many elements it writes for one of its largest chunks, with what is nested in it.
  var writes = 0.0
  /// How many functions are nested in each other, this one included.
  var depth = 1
  /// The layer whose blocks these are, as they are; nil where they are made inside the consumer's task.
  var layerNumber: Int?
  /// Appends the tasks whose blocks `run` takes for a chunk.
  var inputs: @Sendable (_ chunk: Int, _ into: inout [TaskID]) -> Void
  /// The block of a chunk, from blocks that the cursor gives in the order of `inputs`.
  var run: @Sendable (_ chunk: Int, _ blocks: inout BlockCursor) throws -> AnyNDArray

  /// What running a function a second time would cost.
  enum Cost: Int, Comparable, Sendable {
    /// Nothing: the block is in memory, or moves by reference.
    case nothing
    /// About a pass over memory.
    case pass
    /// A read from storage and perhaps decompression.
    case reading
    /// Real work, or a closure of the user's.
    case work

    static func < (a: Cost, b: Cost) -> Bool { a.rawValue < b.rawValue }
  }
}

/// Gives a task's input blocks one after the other.
struct BlockCursor: ~Copyable {
  private let blocks: [any Block]
  private var position = 0

  init(_ blocks: [any Block]) { self.blocks = blocks }

  /// The next block as the type that the function before it yields.
  mutating func next<B: Block>(as type: B.Type = B.self) -> B {
    let block = blocks[position]
    position += 1
    guard let block = block as? B else {
      preconditionFailure("an input is a \(Swift.type(of: block)), not a \(B.self)")
    }
    return block
  }
}

extension BlockFunction {
  /// The name of operations that run in one task behind functions: theirs first, but for those that are layers.
  static func name(of operations: [String], behind sources: [BlockFunction]) -> String {
    var names: [String] = []
    for source in sources where source.layerNumber == nil && !names.contains(source.name) { names.append(source.name) }
    let name = (names + operations).joined(separator: "-")
    // Of a long chain the end tells more.
    return name.utf8.count <= longestName ? name : "…-" + operations.suffix(4).joined(separator: "-")
  }

  private static let longestName = 120

  /// The blocks of a layer whose tasks are numbered like the chunks.
  init(layer: Int, grid: ChunkGrid, elementType: ElementType, name: String, callSite: CallSite?) {
    self.init(
      grid: grid, elementType: elementType, name: name, callSite: callSite, cost: .nothing, depth: 0,
      layerNumber: layer,
      inputs: { chunk, into in into.append(TaskID(layer: layer, index: chunk)) },
      run: { _, blocks in blocks.next() })
  }
}
