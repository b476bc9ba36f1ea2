/// How rank 0 comes by the events of the others, as a state machine: messages in, actions out; time is an argument.
///
/// At the session's start it asks the ranks of other nodes for their clocks; when all have come to the session's end it
/// asks one rank after the other, for its clock once more and then for its events, so that those of one rank only are on
/// their way.
package struct TraceCollector: Sendable {
  package enum Action: Equatable, Sendable {
    case send(TraceMessage, to: Int)
    case lane(TraceLaneInfo, rank: Int)
    /// Events of a rank, their times by rank 0's clock.
    case events([TraceEvent])
    /// Everything of the rank is here; `uncertainty` is by how many nanoseconds its times may be wrong: nil where its
    /// clock is rank 0's own.
    case rankDone(Int, uncertainty: Int?)
  }

  /// How often a clock is asked for.
  package static let questions = 8

  /// The lowest rank on each rank's node.
  private let nodes: [Int]
  private var clocks: [Int: ClockOffset] = [:]
  /// How many answers are still to be asked for, for each rank.
  private var open: [Int: Int] = [:]
  private var phases: [Int: ClockOffset.Phase] = [:]
  /// The rank that is asked for its events; nil before the end.
  private var current: Int?

  package init(nodes: [Int]) { self.nodes = nodes }

  /// Every rank's events are here.
  package var isDone: Bool { current.map { $0 >= nodes.count } ?? (nodes.count < 2) }

  /// The session begins.
  package mutating func begin(now: Int, into actions: inout [Action]) {
    for rank in nodes.indices.dropFirst() where nodes[rank] != nodes[0] { ask(rank, .start, now: now, into: &actions) }
  }

  /// Every rank has come to the end. Where that was told before, nothing happens.
  package mutating func gather(now: Int, into actions: inout [Action]) {
    guard current == nil, nodes.count > 1 else { return }
    current = 0
    goOn(now: now, into: &actions)
  }

  private mutating func goOn(now: Int, into actions: inout [Action]) {
    guard let last = current else { return }
    let rank = last + 1
    current = rank
    guard rank < nodes.count else { return }
    if nodes[rank] == nodes[0] {
      actions.append(.send(.eventsWanted, to: rank))
    } else {
      ask(rank, .end, now: now, into: &actions)
    }
  }

  private mutating func ask(_ rank: Int, _ phase: ClockOffset.Phase, now: Int, into actions: inout [Action]) {
    phases[rank] = phase
    open[rank] = Self.questions
    actions.append(.send(.clockWanted(asked: now), to: rank))
  }

  package mutating func receive(_ message: TraceMessage, from rank: Int, now: Int, into actions: inout [Action]) {
    switch message {
    case .clock(let asked, let clock):
      // Answers that are left of the start's questions when the end's begin count as the end's: they are as true.
      guard let phase = phases[rank], let left = open[rank], left > 0 else { return }
      clocks[rank, default: ClockOffset()].add(phase, asked: asked, clock: clock, answered: now)
      open[rank] = left - 1
      if left > 1 {
        actions.append(.send(.clockWanted(asked: now), to: rank))
      } else if phase == .end {
        actions.append(.send(.eventsWanted, to: rank))
      }
    case .lane(let lane): actions.append(.lane(lane, rank: rank))
    case .events(var events):
      if let clock = clocks[rank] {
        for index in events.indices {
          let end = clock.aligned(events[index].time + events[index].duration)
          events[index].time = clock.aligned(events[index].time)
          events[index].duration = max(0, end - events[index].time)
        }
      }
      actions.append(.events(events))
    case .done:
      actions.append(.rankDone(rank, uncertainty: clocks[rank]?.uncertainty))
      if rank == current { goOn(now: now, into: &actions) }
    case .clockWanted, .eventsWanted, .figuresWanted: preconditionFailure("rank 0 was asked for its events")
    case .figures: preconditionFailure("figures aren't of the trace")
    }
  }
}

extension TraceRecorder {
  /// How many events go in one message.
  private static let batch = 8192

  /// What a rank answers to rank 0.
  package func answer(_ message: TraceMessage, now: Int, _ send: (TraceMessage) -> Void) {
    switch message {
    case .clockWanted(let asked): send(.clock(asked: asked, clock: now))
    case .eventsWanted:
      forEachBatch { lane, events in
        if let events { send(.events(events)) } else { send(.lane(lane)) }
      }
      send(.done)
    case .figuresWanted: send(.figures(figures(now: now)))
    case .clock, .lane, .events, .done, .figures: preconditionFailure("a worker got the events of another")
    }
  }

  /// Each lane without events first, and then its events, a batch at a time.
  func forEachBatch(_ body: (_ lane: TraceLaneInfo, _ events: [TraceEvent]?) -> Void) {
    for lane in lanes {
      let info = TraceLaneInfo(lane)
      body(info, nil)
      var next = info.lost
      while true {
        let (first, events) = lane.events(from: next, limit: Self.batch)
        guard !events.isEmpty else { break }
        body(info, events)
        next = first + events.count
      }
    }
  }
}
