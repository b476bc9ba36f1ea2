/// What ranks say to each other of events.
package enum TraceMessage: Hashable, Sendable {
  // Rank 0 to another
  /// Asks for the clock; comes back with the answer.
  case clockWanted(asked: Int)
  /// Asks for the events.
  case eventsWanted
  /// Asks for what the report adds up.
  case figuresWanted

  // To rank 0
  case clock(asked: Int, clock: Int)
  /// What is known of a thread; its events follow.
  case lane(TraceLaneInfo)
  case events([TraceEvent])
  /// There are no more.
  case done
  case figures(RankFigures)

  private enum Kind: UInt8 {
    case clockWanted, eventsWanted, clock, lane, events, done, figuresWanted, figures
  }

  func write(to buffer: WireBuffer) {
    switch self {
    case .clockWanted(let asked):
      buffer.put(Kind.clockWanted)
      buffer.put(asked)
    case .eventsWanted: buffer.put(Kind.eventsWanted)
    case .clock(let asked, let clock):
      buffer.put(Kind.clock)
      buffer.put(asked)
      buffer.put(clock)
    case .lane(let lane):
      buffer.put(Kind.lane)
      buffer.put(lane.number)
      buffer.put(lane.recorded)
      buffer.put(lane.lost)
      buffer.put(bytes: Array(lane.name.utf8))
    case .events(let events):
      buffer.put(Kind.events)
      events.withUnsafeBytes { buffer.put(bytes: $0) }
    case .done: buffer.put(Kind.done)
    case .figuresWanted: buffer.put(Kind.figuresWanted)
    case .figures(let figures):
      buffer.put(Kind.figures)
      figures.write(to: buffer)
    }
  }

  init(from reader: inout WireReader) {
    switch reader.get(Kind.self) {
    case .clockWanted: self = .clockWanted(asked: reader.get())
    case .eventsWanted: self = .eventsWanted
    case .clock: self = .clock(asked: reader.get(), clock: reader.get())
    case .lane:
      let (number, recorded, lost) = (reader.get(UInt16.self), reader.get(Int.self), reader.get(Int.self))
      let name = String(decoding: reader.getBytes(), as: UTF8.self)
      self = .lane(TraceLaneInfo(number: number, name: name, recorded: recorded, lost: lost))
    case .events:
      let bytes = reader.getBytes()
      let stride = MemoryLayout<TraceEvent>.stride
      self = .events(
        (0..<bytes.count / stride).map { bytes.loadUnaligned(fromByteOffset: $0 * stride, as: TraceEvent.self) })
    case .done: self = .done
    case .figuresWanted: self = .figuresWanted
    case .figures: self = .figures(RankFigures(from: &reader))
    }
  }
}

/// What is known of a thread that has told of events.
package struct TraceLaneInfo: Hashable, Sendable {
  /// The number of its buffer on its rank.
  package var number: UInt16
  package var name: String
  /// How many events it has told of, and how many of those were overwritten.
  package var recorded: Int
  package var lost: Int

  package init(number: UInt16, name: String, recorded: Int, lost: Int) {
    self.number = number
    self.name = name
    self.recorded = recorded
    self.lost = lost
  }

  package init(_ lane: TraceLane) {
    self.init(number: lane.number, name: lane.name, recorded: lane.recorded, lost: lane.lost)
  }
}
