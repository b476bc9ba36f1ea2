package import MusterScheduling

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

extension [GraphSource] {
  /// The tasks, where all of them are futures of a session.
  func futures(of session: Session) -> [TaskID]? {
    guard !isEmpty else { return nil }
    var tasks: [TaskID] = []
    tasks.reserveCapacity(count)
    for source in self {
      guard case .delayed(let node) = source, let kept = node.kept, kept.areFutures, kept.session === session else {
        return nil
      }
      tasks.append(kept.tasks[0])
    }
    return tasks
  }
}

/// Something that a library above the runtime puts into plans, such as a chunked array.
package protocol PlanPart: Sendable {
  var session: Session { get }
  /// The number of the call that made it, the same on every rank.
  var number: Int { get }
  /// How many tasks' blocks are its value.
  var taskCount: Int { get }
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
