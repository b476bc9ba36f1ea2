internal import MusterScheduling

/// What each kind of event looks like in Chrome's format. Viewers take the process and the thread with number 0 for those
/// of an idle processor: numbers begin at 1.
extension TraceFile {
  mutating func nameProcess(rank: Int, name: String) {
    separate()
    writer.raw("{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":")
    writer.number(rank + 1)
    writer.raw(",\"args\":{\"name\":")
    writer.string(name)
    writer.raw("}},\n{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":")
    writer.number(rank + 1)
    writer.raw(",\"args\":{\"sort_index\":")
    writer.number(rank)
    writer.raw("}}")
  }

  mutating func nameThread(rank: Int, _ lane: TraceLaneInfo) {
    separate()
    writer.raw("{\"ph\":\"M\",\"name\":\"thread_name\"")
    place(rank: rank, thread: Int(lane.number))
    writer.raw(",\"args\":{\"name\":")
    writer.string(lane.name)
    writer.raw("}}")
  }

  mutating func append(_ event: TraceEvent, _ layers: TraceLayers) {
    switch event.kind {
    case .task, .failedTask: appendTask(event, layers)
    case .send: appendSend(event, layers)
    case .receive: appendReceive(event, layers)
    case .memory: appendMemory(event)
    case .retract: appendRetract(event)
    case .spill, .unspill: appendSpill(event, layers)
    case nil: preconditionFailure("an event has a kind that there isn't")
    }
  }

  private mutating func appendTask(_ event: TraceEvent, _ layers: TraceLayers) {
    begin("X", category: event.kind == .failedTask ? "task,failed" : "task", event)
    writer.raw(",\"name\":")
    writer.string(layers.name(of: event.task) ?? "layer \(event.task.layer)")
    duration(event.duration)
    if event.kind == .failedTask { writer.raw(",\"cname\":\"terrible\"") }
    arguments(event)
    writer.raw(",\"attempt\":")
    writer.number(Int(event.attempt))
    if event.kind == .failedTask { writer.raw(",\"failed\":true") }
    writer.raw("}}")
  }

  /// The time in which a block was handed to MPI, and the start of an arrow.
  private mutating func appendSend(_ event: TraceEvent, _ layers: TraceLayers) {
    begin("X", category: "transfer", event)
    name("send", event, layers)
    duration(event.duration)
    arguments(event)
    peers(from: event.rank, to: event.peer)
    writer.raw("}}")
    arrow("s", at: event.time, from: event.rank, to: event.peer, event)
  }

  /// The time on its way, which may overlap with that of others and so has a track of its own, the time that it took to
  /// take the block in, and the end of an arrow.
  private mutating func appendReceive(_ event: TraceEvent, _ layers: TraceLayers) {
    let track = nextTrack
    nextTrack += 1
    let arrival = event.time + event.duration
    begin("b", category: "transfer", event)
    name("receive", event, layers)
    identity(UInt64(track))
    arguments(event)
    peers(from: event.peer, to: event.rank)
    writer.raw("}}")
    begin("e", category: "transfer", event, at: arrival)
    name("receive", event, layers)
    identity(UInt64(track))
    writer.raw("}")
    begin("X", category: "transfer", event, at: arrival)
    name("take in", event, layers)
    duration(event.handling)
    arguments(event)
    peers(from: event.peer, to: event.rank)
    writer.raw("}}")
    arrow("f", at: arrival, from: event.peer, to: event.rank, event)
  }

  private mutating func appendMemory(_ event: TraceEvent) {
    begin("C", category: "memory", event)
    writer.raw(",\"name\":\"memory held\",\"args\":{\"bytes\":")
    writer.number(event.bytes)
    writer.raw("}}")
  }

  private mutating func appendRetract(_ event: TraceEvent) {
    begin("i", category: "scheduler", event)
    writer.raw(",\"name\":\"retract\",\"s\":\"p\"")
    arguments(event)
    writer.raw(",\"worker\":")
    writer.number(Int(event.peer))
    writer.raw("}}")
  }

  /// A thread may spill while another one does, and one thread while it waits: tracks of their own.
  private mutating func appendSpill(_ event: TraceEvent, _ layers: TraceLayers) {
    let track = nextTrack
    nextTrack += 1
    let text: StaticString = event.kind == .spill ? "spill" : "unspill"
    begin("b", category: "spill", event)
    name(text, event, layers)
    identity(UInt64(track))
    arguments(event)
    writer.raw("}}")
    begin("e", category: "spill", event, at: event.time + event.duration)
    name(text, event, layers)
    identity(UInt64(track))
    writer.raw("}")
  }

  // MARK: Parts

  private mutating func begin(_ phase: StaticString, category: StaticString, _ event: TraceEvent, at time: Int? = nil) {
    separate()
    writer.raw("{\"ph\":\"")
    writer.raw(phase)
    writer.raw("\",\"cat\":\"")
    writer.raw(category)
    writer.raw("\"")
    place(rank: Int(event.rank), thread: Int(event.thread))
    writer.raw(",\"ts\":")
    writer.microseconds((time ?? event.time) - origin)
  }

  private mutating func place(rank: Int, thread: Int) {
    writer.raw(",\"pid\":")
    writer.number(rank + 1)
    writer.raw(",\"tid\":")
    writer.number(thread + 1)
  }

  private mutating func name(_ action: StaticString, _ event: TraceEvent, _ layers: TraceLayers) {
    writer.raw(",\"name\":")
    let layer = layers.name(of: event.task) ?? "layer \(event.task.layer)"
    writer.string("\(action) \(layer)")
  }

  private mutating func duration(_ nanoseconds: Int) {
    writer.raw(",\"dur\":")
    writer.microseconds(nanoseconds)
  }

  private mutating func identity(_ number: UInt64) {
    writer.raw(",\"id\":")
    writer.hexadecimal(number)
  }

  /// The arguments of what concerns a task, without the last bracket.
  private mutating func arguments(_ event: TraceEvent) {
    writer.raw(",\"args\":{\"layer\":")
    writer.number(Int(event.task.layer))
    writer.raw(",\"index\":")
    writer.number(Int(event.task.index))
    writer.raw(",\"bytes\":")
    writer.number(event.bytes)
  }

  private mutating func peers(from sender: Int32, to receiver: Int32) {
    writer.raw(",\"from\":")
    writer.number(Int(sender))
    writer.raw(",\"to\":")
    writer.number(Int(receiver))
  }

  /// One end of an arrow. Both ranks make its number from what both know of the block.
  private mutating func arrow(
    _ phase: StaticString, at time: Int, from sender: Int32, to receiver: Int32, _ event: TraceEvent
  ) {
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in [event.task.layer, event.task.index, UInt32(sender), UInt32(receiver)] {
      digest = (digest ^ UInt64(part)) &* 0x0000_0100_0000_01b3
    }
    begin(phase, category: "transfer", event, at: time)
    writer.raw(",\"name\":\"transfer\",\"bp\":\"e\"")
    // Viewers that keep numbers as doubles have 53 bits.
    identity((digest ^ digest >> 32) & (1 << 53 - 1))
    writer.raw("}")
  }
}
