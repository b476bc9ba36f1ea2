internal import Glibc
package import MusterScheduling
internal import Synchronization

/// Takes the events of a session on one rank: keeps the last for a trace, and adds them up for a report. Each thread that
/// tells of one has a lane of its own.
package final class TraceRecorder: Sendable {
  /// How many events each thread keeps, unless set otherwise.
  package static let defaultCapacity = 1 << 16
  /// Memory is told at most this often, in nanoseconds.
  private static let memoryInterval = 1_000_000
  private static let nextNumber = Atomic<Int>(1)
  /// Of each thread: its lane in the recorder that it wrote to last, with a reference of its own to it.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { lane in
      if let lane { Unmanaged<TraceLane>.fromOpaque(lane).release() }
    }
    guard status == 0 else { fatalError("no key for a thread's events is left: \(String(cString: strerror(status)))") }
    return key
  }()

  package let rank: Int
  package let capacity: Int
  /// When the session began, in nanoseconds of the monotonic clock: time 0 of the trace.
  package let start = MonotonicClock.nanoseconds
  private let number = TraceRecorder.nextNumber.add(1, ordering: .relaxed).oldValue
  private let lanesByThread = Mutex<[(thread: pthread_t, lane: TraceLane)]>([])
  private let layers = Mutex(TraceLayers())
  private let lastMemory = Atomic<Int>(0)
  /// Rank 0's file, from the session's start to its end.
  let file = Mutex<TraceFile?>(nil)
  /// What is added up for the report; nil where there is to be none.
  let totals: SessionTotals?
  /// Rank 0's report, from the session's start to its end.
  let report = Mutex<ReportDraft?>(nil)
  /// Whether events are kept.
  var traces: Bool { capacity > 0 }

  /// - Parameters:
  ///   - capacity: How many events each thread keeps; 0 where there is to be no trace.
  ///   - reports: Whether they are added up.
  package init(rank: Int, capacity: Int = TraceRecorder.defaultCapacity, reports: Bool = false) {
    self.rank = rank
    self.capacity = capacity
    totals = reports ? SessionTotals(rank: rank) : nil
  }

  /// nil where nobody wants to know of events.
  convenience init?(rank: Int, capacity: Int?, reports: Bool) {
    guard capacity != nil || reports else { return nil }
    self.init(rank: rank, capacity: capacity ?? 0, reports: reports)
  }

  /// The threads that have told of anything, and what.
  package var lanes: [TraceLane] { lanesByThread.withLock { $0.map(\.lane) } }
  /// The names of the layers that events name.
  package var layerNames: TraceLayers { layers.withLock { $0 } }

  /// The name of a task's layer; nil where it has been forgotten.
  func layerName(of task: TaskID) -> String? { layers.withLock { $0.name(of: task) } }

  /// Adds an event to the calling thread's lane.
  package func record(_ event: TraceEvent) {
    guard traces else { return }
    withLane { $0.append(event) }
  }

  /// Gives the calling thread's lane.
  @inline(__always)
  func withLane(_ body: (TraceLane) -> Void) {
    if let pointer = pthread_getspecific(Self.key) {
      // The thread holds a reference until it ends or comes to another recorder, neither of which happens in here.
      let isMine = Unmanaged<TraceLane>.fromOpaque(pointer)._withUnsafeGuaranteedRef { lane in
        guard lane.recorder == number else { return false }
        body(lane)
        return true
      }
      if isMine { return }
    }
    body(lane())
  }

  /// The lane of the calling thread, which is the thread's own from now on.
  private func lane() -> TraceLane {
    let thread = pthread_self()
    let lane = lanesByThread.withLock { lanes in
      // A thread that has ended leaves its number, and so its lane, to a later one.
      if let known = lanes.first(where: { pthread_equal($0.thread, thread) != 0 }) { return known.lane }
      let name = SmallFile.read("/proc/thread-self/comm")?.prefix { $0 != "\n" } ?? "thread"
      let made = TraceLane(
        recorder: number, rank: Int32(rank), number: UInt16(clamping: lanes.count), name: String(name),
        capacity: capacity, counts: totals != nil)
      lanes.append((thread, made))
      return made
    }
    if let old = pthread_getspecific(Self.key) { Unmanaged<TraceLane>.fromOpaque(old).release() }
    pthread_setspecific(Self.key, Unmanaged.passRetained(lane).toOpaque())
    return lane
  }
}

// MARK: What is told

extension TraceRecorder {
  /// Takes the names of the layers of a graph that is about to run, numbered from `firstLayer` on.
  package func register(_ new: [Layer], from firstLayer: Int) {
    layers.withLock { $0.register(new, from: firstLayer) }
  }

  func register(_ submission: Submission) { register(submission.plan.layers, from: submission.firstLayer) }

  /// A thread has run a task. Times are those of the monotonic clock, in nanoseconds.
  ///
  /// - Parameter bytes: What the task's block holds; nil where the task threw.
  package func ran(_ task: TaskID, attempt: Attempt, begin: Int, end: Int, bytes: Int?) {
    withLane { lane in
      lane.totals?.ran(task, nanoseconds: end - begin, bytes: bytes) { operation(of: task) }
      guard traces else { return }
      lane.append(
        TraceEvent(
          bytes == nil ? .failedTask : .task, time: begin, duration: end - begin, bytes: bytes ?? 0, task: task,
          attempt: attempt))
    }
  }

  /// A block has been handed to MPI.
  package func sent(_ block: TaskID, bytes: Int, to peer: Int, begin: Int, end: Int) {
    totals?.sent(bytes: bytes)
    record(
      TraceEvent(
        .send, time: begin, duration: end - begin, bytes: bytes, task: block,
        peer: Int32(peer)))
  }

  /// A block has come: its message at `begin`, the last byte at `arrival`, and it was taken in until `end`.
  package func received(
    _ block: TaskID, bytes: Int, from peer: Int, begin: Int, arrival: Int, end: Int
  ) {
    totals?.received(bytes: bytes, of: operation(of: block), begin: begin, end: arrival)
    record(
      TraceEvent(
        .receive, time: begin, duration: arrival - begin, bytes: bytes, task: block,
        peer: Int32(peer), handling: end - arrival))
  }

  /// What the worker's blocks hold now, in bytes. Kept at most once a millisecond. One thread at a time.
  package func holds(_ bytes: Int, at time: Int) {
    guard traces, time - lastMemory.load(ordering: .relaxed) >= Self.memoryInterval else { return }
    lastMemory.store(time, ordering: .relaxed)
    record(TraceEvent(.memory, time: time, bytes: bytes))
  }

  /// Rank 0 asks a worker to give a task back.
  package func retracts(_ task: TaskID, attempt: Attempt, from peer: Int) {
    record(
      TraceEvent(
        .retract, time: MonotonicClock.nanoseconds, task: task, peer: Int32(peer),
        attempt: attempt))
  }

  /// A block has gone to local scratch.
  package func spilled(_ block: TaskID, bytes: Int, begin: Int, end: Int) {
    totals?.spilled(bytes: bytes, begin: begin, end: end)
    record(
      TraceEvent(
        .spill, time: begin, duration: end - begin, bytes: bytes, task: block))
  }

  /// A block has come back from local scratch.
  package func unspilled(_ block: TaskID, bytes: Int, begin: Int, end: Int) {
    totals?.unspilled(bytes: bytes, begin: begin, end: end)
    record(
      TraceEvent(
        .unspill, time: begin, duration: end - begin, bytes: bytes, task: block))
  }
}
