package import MusterScheduling

/// A message between ranks, but for the bulk of blocks.
package enum Message {
  // Rank 0 to a worker
  case assign(Assignment)
  case retract(TaskID, Attempt)
  case release(TaskID)
  /// Rank 0's program has come to a graph, with this fingerprint: a worker runs its tasks where its own is the same.
  case graph(number: UInt32, fingerprint: Fingerprint)
  /// No task of these layers comes any more.
  case forget(layers: Range<Int>)
  /// All tasks of these layers have ended: what their functions hold may go.
  case ended(layers: Range<Int>)
  /// The collective's end. With `.computed`, broadcasts of the large parts follow.
  case outcome(Outcome)
  /// Asks for the calls that the rank has made.
  case callsWanted
  /// Every rank has come to the end of the session.
  case leave
  /// Rank 0 ends the job and has said why.
  case ending
  /// No task is to begin any more: the session leaves before its work is done.
  case drain
  /// Rank 0 leaves, and so do the others.
  case leaveDrained

  // A worker to rank 0
  case arrive(Arrival)
  case finished(TaskID, Attempt, bytes: Int, nanoseconds: Int)
  case failed(TaskID, Attempt, MusterError)
  case retracted(TaskID, Attempt, givenBack: Bool)
  case memory(bytes: Int)
  /// How many tasks the worker can run at a time now.
  case slots(PlaceOffer)
  case calls([CallTrace])
  /// The worker's program has come to another graph than rank 0's: what it called there, and before.
  case diverged(call: String, [CallTrace])
  case rankDied(Int)
  /// The rank got a signal upon which the session leaves before its work is done.
  case drainWanted(DrainState.Reason)
  /// The rank has heard that no task is to begin any more.
  case draining
  /// No task runs here any more, and none will.
  case drained
  /// The head of a record for the journal.
  case note([UInt8])
  /// The rank got a signal that ends it.
  case terminated(signal: Int32)

  // Any rank to any
  /// The rank is there.
  case beat
  /// Asks for blocks. What `isComing` the other is to compute first.
  case fetch(first: TaskID, count: Int, isComing: Bool)
  case block(BlockMessage)
  case trace(TraceMessage)
  /// A `CoordinationMessage`.
  case coordination([UInt8])
  /// The block that was asked for can't be had, for this reason.
  case refused(TaskID, MusterError)

  /// Whether it's of leaving before the work is done.
  var isOfDrain: Bool {
    switch self {
    case .drain, .draining, .drained, .drainWanted, .leaveDrained: true
    default: false
    }
  }

  package enum Outcome {
    case computed(manifest: [UInt8])
    case value([UInt8])
    case failed(MusterError)
  }
}

/// A block's header, and the sizes of its bulk parts. They follow as messages of their own, or are here when small.
package struct BlockMessage {
  var task: TaskID
  var header: [UInt8]
  var sizes: [Int]
  var isInline: Bool
  var inlineBytes: [UInt8]

  /// Without the header.
  var byteCount: Int { sizes.reduce(0, +) }
}

extension Message {
  private enum Kind: UInt8 {
    case assign, retract, release, graph, forget, ended, outcomeComputed, outcomeValue, outcomeFailed, callsWanted,
      leave,
      ending
    case arrive, finished, failed, retracted, memory, slots, calls, diverged, rankDied, terminated, note
    case drain, leaveDrained, drainWanted, draining, drained
    case beat, fetch, block, trace, coordination, refused
  }

  func write(to buffer: WireBuffer) {
    switch self {
    case .assign(let assignment):
      buffer.put(Kind.assign)
      buffer.put(assignment.task)
      buffer.put(assignment.attempt)
      buffer.put(assignment.priority)
      buffer.put(assignment.isShared)
      buffer.put(assignment.isBrief)
      buffer.put(UInt32(assignment.sources.count))
      for source in assignment.sources {
        buffer.put(source.first)
        buffer.put(UInt32(source.count))
        buffer.put(source.holder)
        buffer.put(source.isAttached)
        buffer.put(source.isComing)
      }
    case .retract(let task, let attempt):
      buffer.put(Kind.retract)
      buffer.put(task)
      buffer.put(attempt)
    case .release(let task):
      buffer.put(Kind.release)
      buffer.put(task)
    case .graph(let number, let fingerprint):
      buffer.put(Kind.graph)
      buffer.put(number)
      buffer.put(fingerprint.low)
      buffer.put(fingerprint.high)
    case .forget(let layers):
      buffer.put(Kind.forget)
      buffer.put(layers)
    case .ended(let layers):
      buffer.put(Kind.ended)
      buffer.put(layers)
    case .outcome(.computed(let manifest)):
      buffer.put(Kind.outcomeComputed)
      buffer.put(bytes: manifest)
    case .outcome(.value(let bytes)):
      buffer.put(Kind.outcomeValue)
      buffer.put(bytes: bytes)
    case .outcome(.failed(let error)):
      buffer.put(Kind.outcomeFailed)
      buffer.put(bytes: Self.encoded(error))
    case .callsWanted: buffer.put(Kind.callsWanted)
    case .leave: buffer.put(Kind.leave)
    case .ending: buffer.put(Kind.ending)
    case .arrive(let arrival):
      buffer.put(Kind.arrive)
      arrival.write(to: buffer)
    case .finished(let task, let attempt, let bytes, let nanoseconds):
      buffer.put(Kind.finished)
      buffer.put(task)
      buffer.put(attempt)
      buffer.put(bytes)
      buffer.put(nanoseconds)
    case .failed(let task, let attempt, let error):
      buffer.put(Kind.failed)
      buffer.put(task)
      buffer.put(attempt)
      buffer.put(bytes: Self.encoded(error))
    case .retracted(let task, let attempt, let givenBack):
      buffer.put(Kind.retracted)
      buffer.put(task)
      buffer.put(attempt)
      buffer.put(givenBack)
    case .memory(let bytes):
      buffer.put(Kind.memory)
      buffer.put(bytes)
    case .slots(let offer):
      buffer.put(Kind.slots)
      buffer.put(offer.slots)
      buffer.put(offer.waiting)
      buffer.put(offer.overdue)
    case .calls(let traces):
      buffer.put(Kind.calls)
      buffer.put(bytes: Self.encoded(traces))
    case .diverged(let call, let traces):
      buffer.put(Kind.diverged)
      buffer.put(bytes: Array(call.utf8))
      buffer.put(bytes: Self.encoded(traces))
    case .rankDied(let rank):
      buffer.put(Kind.rankDied)
      buffer.put(rank)
    case .terminated(let signal):
      buffer.put(Kind.terminated)
      buffer.put(signal)
    case .drain: buffer.put(Kind.drain)
    case .leaveDrained: buffer.put(Kind.leaveDrained)
    case .drainWanted(let reason):
      buffer.put(Kind.drainWanted)
      buffer.put(bytes: Array(reason.signalName.utf8))
    case .draining: buffer.put(Kind.draining)
    case .drained: buffer.put(Kind.drained)
    case .note(let bytes):
      buffer.put(Kind.note)
      buffer.put(bytes: bytes)
    case .beat: buffer.put(Kind.beat)
    case .fetch(let first, let count, let isComing):
      buffer.put(Kind.fetch)
      buffer.put(first)
      buffer.put(count)
      buffer.put(isComing)
    case .block(let block):
      buffer.put(Kind.block)
      buffer.put(block.task)
      buffer.put(bytes: block.header)
      buffer.put(UInt32(block.sizes.count))
      for size in block.sizes { buffer.put(size) }
      buffer.put(block.isInline)
      if block.isInline { buffer.put(bytes: block.inlineBytes) }
    case .trace(let message):
      buffer.put(Kind.trace)
      message.write(to: buffer)
    case .coordination(let bytes):
      buffer.put(Kind.coordination)
      buffer.put(bytes: bytes)
    case .refused(let task, let error):
      buffer.put(Kind.refused)
      buffer.put(task)
      buffer.put(bytes: Self.encoded(error))
    }
  }

  init(from reader: inout WireReader) {
    switch reader.get(Kind.self) {
    case .assign:
      let task = reader.get(TaskID.self)
      let attempt = reader.get(Attempt.self)
      let priority = reader.get(Int64.self)
      let isShared = reader.get(Bool.self)
      let isBrief = reader.get(Bool.self)
      let sources = (0..<reader.get(UInt32.self)).map { _ in
        let first = reader.get(TaskID.self)
        let count = Int(reader.get(UInt32.self))
        return InputSource(
          first: first, count: count, holder: reader.get(), isAttached: reader.get(), isComing: reader.get())
      }
      self = .assign(
        Assignment(
          task: task, attempt: attempt, priority: priority, isShared: isShared, isBrief: isBrief, sources: sources))
    case .retract: self = .retract(reader.get(), reader.get())
    case .release: self = .release(reader.get())
    case .graph:
      self = .graph(number: reader.get(), fingerprint: Fingerprint(low: reader.get(), high: reader.get()))
    case .forget: self = .forget(layers: reader.getRange())
    case .ended: self = .ended(layers: reader.getRange())
    case .outcomeComputed: self = .outcome(.computed(manifest: Array(reader.getBytes())))
    case .outcomeValue: self = .outcome(.value(Array(reader.getBytes())))
    case .outcomeFailed: self = .outcome(.failed(Self.decoded(from: &reader)))
    case .callsWanted: self = .callsWanted
    case .leave: self = .leave
    case .ending: self = .ending
    case .arrive: self = .arrive(Arrival(from: &reader))
    case .finished: self = .finished(reader.get(), reader.get(), bytes: reader.get(), nanoseconds: reader.get())
    case .failed:
      let task = reader.get(TaskID.self)
      let attempt = reader.get(Attempt.self)
      self = .failed(task, attempt, Self.decoded(from: &reader))
    case .retracted: self = .retracted(reader.get(), reader.get(), givenBack: reader.get())
    case .memory: self = .memory(bytes: reader.get())
    case .slots:
      self = .slots(PlaceOffer(slots: reader.get(), waiting: reader.get(), overdue: reader.get()))
    case .calls: self = .calls(Self.decoded(from: &reader))
    case .diverged:
      let call = String(decoding: reader.getBytes(), as: UTF8.self)
      self = .diverged(call: call, Self.decoded(from: &reader))
    case .rankDied: self = .rankDied(reader.get())
    case .terminated: self = .terminated(signal: reader.get())
    case .drain: self = .drain
    case .leaveDrained: self = .leaveDrained
    case .drainWanted:
      self = .drainWanted(DrainState.Reason(signalName: String(decoding: reader.getBytes(), as: UTF8.self)))
    case .draining: self = .draining
    case .drained: self = .drained
    case .note: self = .note(Array(reader.getBytes()))
    case .beat: self = .beat
    case .fetch: self = .fetch(first: reader.get(), count: reader.get(), isComing: reader.get())
    case .refused:
      let task = reader.get(TaskID.self)
      self = .refused(task, Self.decoded(from: &reader))
    case .block:
      let task = reader.get(TaskID.self)
      let header = Array(reader.getBytes())
      let sizes = (0..<reader.get(UInt32.self)).map { _ in reader.get(Int.self) }
      let isInline = reader.get(Bool.self)
      let inlineBytes = isInline ? Array(reader.getBytes()) : []
      self = .block(
        BlockMessage(task: task, header: header, sizes: sizes, isInline: isInline, inlineBytes: inlineBytes))
    case .trace: self = .trace(TraceMessage(from: &reader))
    case .coordination: self = .coordination(Array(reader.getBytes()))
    }
  }

  /// What every collective sends isn't: an arrival goes as it is but for its rare parts.
  fileprivate static func encodedError(_ error: MusterError) -> [UInt8] { encoded(error) }
  fileprivate static func decodedError(from reader: inout WireReader) -> MusterError { decoded(from: &reader) }

  /// Rare messages go in their `Codable` form; their types can always be encoded.
  private static func encoded(_ value: some Codable) -> [UInt8] {
    do { return try CodedValue.bytes(of: value) } catch { preconditionFailure("a message can't be encoded: \(error)") }
  }

  private static func decoded<T: Codable>(from reader: inout WireReader) -> T {
    do { return try CodedValue.value(T.self, from: Array(reader.getBytes())) } catch {
      preconditionFailure("a message can't be decoded: \(error)")
    }
  }
}

extension Arrival {
  fileprivate func write(to buffer: WireBuffer) {
    buffer.put(kind)
    buffer.put(sequence)
    buffer.put(fingerprint.low)
    buffer.put(fingerprint.high)
    buffer.put(bytes: Array(call.text.utf8))
    buffer.put(failure != nil)
    if let failure { buffer.put(bytes: Array(failure.utf8)) }
    buffer.put(error != nil)
    if let error { buffer.put(bytes: Message.encodedError(error)) }
  }

  fileprivate init(from reader: inout WireReader) {
    kind = reader.get()
    sequence = reader.get()
    fingerprint = Fingerprint(low: reader.get(), high: reader.get())
    call = Call(operation: String(decoding: reader.getBytes(), as: UTF8.self))
    if reader.get(Bool.self) { failure = String(decoding: reader.getBytes(), as: UTF8.self) }
    if reader.get(Bool.self) { error = Message.decodedError(from: &reader) }
  }
}
