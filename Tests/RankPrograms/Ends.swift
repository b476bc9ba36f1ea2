import Glibc
import Muster
import MusterScheduling
import Synchronization

/// How collectives and sessions end.
enum Ends {
  private struct Unhappy: Error {}

  /// A bulk block that takes long on its way to another rank: making it ready for that keeps the sender busy.
  private struct SlowBlock: Block {
    static let delay: UInt32 = 900_000

    var storage = BlockStorage(byteCount: 100_000)
    var byteCount: Int { storage.byteCount }

    func encode(into encoder: inout BlockEncoder) {
      StandardError.write("a block crosses\n")
      usleep(Self.delay)
      encoder.append(storage, byteCount: storage.byteCount)
    }

    static func decode(from decoder: inout BlockDecoder) throws -> SlowBlock {
      SlowBlock(storage: try decoder.readStorage())
    }
  }

  private static let running = Atomic<Int>(0)

  /// While the last block that a task waits for crosses to a worker that runs another task, a third one fails. For four
  /// ranks with a thread each.
  static func failWhileABlockCrosses() async throws {
    try await Session.run { session in
      let own = session.rank
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 3, yielding: SlowBlock.self, inputs: { _, _ in }) { inputs in
          // Long enough that each goes to a worker of its own.
          usleep(300_000)
          return SlowBlock()
        })
      let both = plan.add(
        Layer(
          name: "both", count: 1, yielding: EmptyBlock.self,
          inputs: { _, inputs in for index in 0..<2 { inputs.append(TaskID(layer: made, index: index)) } },
          run: { _ in
            StandardError.write("a task began\n")
            return EmptyBlock()
          }))
      // Each where its input is: the first two keep the workers within the collective.
      let last = plan.add(
        Layer(
          name: "last", count: 3, yielding: EmptyBlock.self,
          inputs: { index, inputs in inputs.append(TaskID(layer: made, index: index)) },
          run: { inputs in
            running.add(1, ordering: .relaxed)
            defer { running.subtract(1, ordering: .relaxed) }
            usleep(inputs.index < 2 ? 2_000_000 : 200_000)
            if inputs.index == 2 { throw Unhappy() }
            StandardError.write("rank \(own) was busy\n")
            return EmptyBlock()
          }))
      plan.results = [TaskID(layer: both, index: 0)] + (0..<3).map { TaskID(layer: last, index: $0) }
      // Every rank is there when the tasks are given out.
      try session.onRoot("begin") {}
      do { _ = try await session.compute(plan) } catch let error as MusterError {
        if session.isRoot { print("failed in \(error.task?.operation ?? "")") }
      }
      if running.load(ordering: .relaxed) > 0 { StandardError.write("a task runs on\n") }
      // What would begin now would be seen.
      usleep(200_000)
      _ = try await session.compute(Failures.plan {})
    }
  }

  /// The closure of the session returns while a collective runs that another task awaits.
  static func returnWhileComputing() async throws {
    let values = try await Session.run { session in
      let sum = Task {
        try await session.compute(
          Failures.plan { usleep(1_500_000) }, operation: "slow"
        ).map { ($0 as! IntegerBlock).value }
      }
      // Long enough that the collective has begun everywhere.
      usleep(500_000)
      return sum
    }
    let start = ContinuousClock.now
    let sum = try await values.value.reduce(0, +)
    // It isn't awaited here, but by the end of the session.
    guard ContinuousClock.now - start < .milliseconds(500) else {
      throw MusterError(.internal, "the session ended before the collective")
    }
    print("sum \(sum)")
  }

  /// For a while nothing can be opened on any rank.
  static func runOutOfFileDescriptors() async throws {
    try await Session.run { session in
      _ = try await session.compute(Failures.plan {})
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      var none = limit
      none.rlim_cur = 0
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
      let isRefused = open("/dev/null", O_RDONLY) < 0 && errno == EMFILE
      usleep(700_000)
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      let blocks = try await session.compute(Failures.plan {})
      print("refused \(isRefused), then \(blocks.count) blocks")
    }
  }

  /// After the session every rank has a child that exits as programs do.
  static func exitOfAFork() async throws {
    try await Session.run { _ in }
    let child = fork()
    if child == 0 { exit(23) }
    var status: Int32 = 0
    for _ in 0..<500 {
      if waitpid(child, &status, WNOHANG) == child {
        print("the child left with \(status >> 8)")
        return
      }
      usleep(10_000)
    }
    kill(child, SIGKILL)
    waitpid(child, &status, 0)
    throw MusterError(.internal, "the child didn't exit")
  }

  /// An error leaves `main` on rank 0, while the others have long work of their own after the session.
  static func failAfterTheSession() async throws {
    let isRoot = try await Session.run { $0.isRoot }
    if isRoot { throw MusterError(.invalidArgument, "nothing to plot", fix: "Plot something") }
    sleep(60)
  }

  /// A rank stops when it has come to the end of the session, before the others have, and is killed a while later.
  static func loseAtTheEnd(rank: Int) async throws {
    try await Session.run { session in
      if session.rank == rank {
        let own = getpid()
        let killer = fork()
        if killer == 0 {
          usleep(1_500_000)
          kill(own, SIGKILL)
          _exit(0)
        }
        Task.detached {
          usleep(500_000)
          Failures.Fate.stop.strike()
        }
      }
      if session.isRoot { usleep(1_000_000) }
    }
    // The session isn't over for those that are left.
    StandardError.write("went on\n")
  }
}
