package import MusterScheduling

/// What a value in a graph is made of. One word: graphs hold many.
package enum GraphSource: Sendable {
  /// A function that has been put off: one task.
  case delayed(DelayedNode)
  /// Something of a library above: as many tasks as it takes.
  case part(PartNode)

  var session: Session {
    switch self {
    case .delayed(let node): node.session
    case .part(let part): part.part.session
    }
  }

  /// The number of the call that made it.
  var number: Int {
    switch self {
    case .delayed(let node): node.number
    case .part(let part): part.part.number
    }
  }

  /// How many tasks' blocks are its value.
  var taskCount: Int {
    switch self {
    case .delayed: 1
    case .part(let part): part.part.taskCount
    }
  }

  /// The tasks behind it, where workers keep what they make.
  var kept: KeptTasks? {
    switch self {
    case .delayed(let node): node.kept
    case .part(let part): part.part.kept
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

/// A part of a library above, by reference.
package final class PartNode: Sendable {
  let part: any PlanPart

  init(_ part: any PlanPart) { self.part = part }
}

/// Something that a library above the runtime puts into plans, such as a chunked array.
package protocol PlanPart: Sendable {
  var session: Session { get }
  /// The number of the call that made it, the same on every rank.
  var number: Int { get }
  /// How many tasks' blocks are its value.
  var taskCount: Int { get }
  /// The tasks behind it, where workers keep what they make; nil where it's still to be computed.
  var kept: KeptTasks? { get }
  /// Two with the same identity are the same.
  var identity: ObjectIdentifier { get }

  /// Adds the layers of all parts of this kind that a collective needs, so that what they share is computed once.
  ///
  /// - Parameter parts: values of this type, each once.
  /// - Returns: for each part, the tasks whose blocks are its value.
  /// - Throws: `MusterError` where a part can't be computed at all.
  static func lower(_ parts: [any PlanPart], into plan: inout Plan) throws -> [[TaskID]]
}

/// What some values are made of, one after the other.
public struct GraphSources: Sendable {
  package private(set) var all: [GraphSource] = []

  @usableFromInline
  init() {}

  /// Makes room for a list's sources.
  @usableFromInline
  mutating func expect(_ count: Int) {
    // Once: lists within a list, each making room for itself, would have all of it copied each time.
    if all.isEmpty { all.reserveCapacity(count) }
  }

  @usableFromInline
  mutating func append(_ node: DelayedNode) { all.append(.delayed(node)) }

  package mutating func append(_ part: any PlanPart) { all.append(.part(PartNode(part))) }
}

/// Hands out blocks in order.
public struct BlockReader {
  private let blocks: [any Block]
  private var place = 0

  package init(_ blocks: [any Block]) { self.blocks = blocks }

  /// - Precondition: there is one left.
  @usableFromInline
  package mutating func next() -> any Block {
    defer { place += 1 }
    return blocks[place]
  }
}
