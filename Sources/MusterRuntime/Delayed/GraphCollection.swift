internal import MusterScheduling

/// What some values need, found and put in order: the first half of lowering. What the graph holds is named by numbers
/// from here on: functions first, in the order of their calls, then what is kept, then parts of libraries above.
struct GraphCollection {
  /// The functions, in the order in which they were found.
  private(set) var functions: [DelayedNode] = []
  /// Places in `functions`, in the order of their calls: each comes after those whose values it takes.
  private(set) var order: [Int] = []
  /// By number, how deep the function is below functions that take no other's value, and which kind it is of.
  private(set) var depths: [Int] = []
  private(set) var kindNumbers: [Int] = []
  /// The numbers of all functions' inputs, and by number where those of a function end.
  private(set) var inputs: [Int] = []
  private(set) var inputEnds: [Int] = []
  /// What workers keep already, in the order of the calls.
  private(set) var kept: [DelayedNode] = []
  /// Parts of libraries above, each once.
  private(set) var parts: [any PlanPart] = []
  /// How many kinds of function there are, and how deep they are.
  private(set) var kindCount = 0
  private(set) var depth = 0

  private let session: Session
  private let lowering: Int
  private var partPlaces: [ObjectIdentifier: Int] = [:]
  private var kinds: [KindKey: Int] = [:]

  /// What makes functions those of one kind, however often that was put in words.
  private struct KindKey: Hashable {
    var name: String
    var callSite: CallSite?
    var blockType: ObjectIdentifier
  }

  /// Finds what some sources need.
  ///
  /// - Parameter lowering: a number that no lowering of the session had before. The lock of the session's lowerings is held.
  /// - Throws: `MusterError` with code `session` where a source is another session's; why a function can't be computed.
  init(_ sources: [GraphSource], session: Session, lowering: Int) throws {
    self.session = session
    self.lowering = lowering
    for source in sources { try find(source) }
    // Without recursion: a graph may be deeper than a thread's stack.
    var next = 0
    while next < functions.count {
      for source in functions[next].inputs { try find(source) }
      next += 1
    }
    kept.sort { $0.number < $1.number }
    for (place, node) in kept.enumerated() { node.mark.place = functions.count + place }
    sortFunctions()
    try number()
  }

  private mutating func find(_ source: GraphSource) throws {
    // Before anything is written on it: another session's lock isn't held.
    guard source.session === session else {
      throw MusterError(
        .session, "a value of call \(source.number + 1) belongs to another session",
        fix: "Compute it with the session it is of")
    }
    switch source {
    case .delayed(let node):
      guard node.mark.lowering != lowering else { return }
      node.mark.lowering = lowering
      if node.kept == nil { functions.append(node) } else { kept.append(node) }
    case .part(let node):
      guard partPlaces[node.part.identity] == nil else { return }
      partPlaces[node.part.identity] = parts.count
      parts.append(node.part)
    }
  }

  private mutating func sortFunctions() {
    order = Array(functions.indices)
    guard let first = functions.first else { return }
    var (lowest, highest, isSorted) = (first.number, first.number, true)
    for node in functions.dropFirst() {
      if node.number < highest { isSorted = false }
      lowest = min(lowest, node.number)
      highest = max(highest, node.number)
    }
    if isSorted { return }
    // No two have the same number, and mostly a program makes a graph's functions one after the other.
    let range = highest - lowest + 1
    guard range / 8 <= functions.count else {
      order.sort { functions[$0].number < functions[$1].number }
      return
    }
    var places = Array(repeating: -1, count: range)
    for (place, node) in functions.enumerated() { places[node.number - lowest] = place }
    order.removeAll(keepingCapacity: true)
    for place in places where place >= 0 { order.append(place) }
  }

  /// Follows the order of calls: whatever a function takes has its number by then.
  private mutating func number() throws {
    depths.reserveCapacity(order.count)
    kindNumbers.reserveCapacity(order.count)
    inputEnds.reserveCapacity(order.count)
    for (number, place) in order.enumerated() {
      let node = functions[place]
      var depth = 0
      for source in node.inputs {
        let input = self.number(of: source)
        inputs.append(input)
        if input < number { depth = max(depth, depths[input] + 1) }
      }
      node.mark.place = number
      depths.append(depth)
      self.depth = max(self.depth, depth)
      inputEnds.append(inputs.count)
      kindNumbers.append(try kindNumber(of: node.kind))
    }
  }

  private mutating func kindNumber(of kind: FunctionKind) throws -> Int {
    if kind.mark.lowering == lowering { return kind.mark.place }
    if let failure = kind.failure { throw failure }
    let key = KindKey(name: kind.name, callSite: kind.callSite, blockType: ObjectIdentifier(kind.blockType))
    let number = kinds[key] ?? kindCount
    if number == kindCount {
      kinds[key] = number
      kindCount += 1
    }
    kind.mark = LoweringMark(lowering: lowering, place: number)
    return number
  }

  /// The number of something that has been found. The lock is held.
  func number(of source: GraphSource) -> Int {
    switch source {
    case .delayed(let node): node.mark.place
    case .part(let node): functions.count + kept.count + partPlaces[node.part.identity]!
    }
  }
}
