import Glibc
import MusterRuntime
import Synchronization
import Testing

/// Keeps functions from returning until a test lets them go.
private final class Hold: Sendable {
  private let isOver = Atomic<Bool>(false)
  private let inside = Atomic<Int>(0)

  func wait() {
    inside.add(1, ordering: .sequentiallyConsistent)
    while !isOver.load(ordering: .sequentiallyConsistent) { usleep(500) }
    inside.subtract(1, ordering: .sequentiallyConsistent)
  }
  func letGo() { isOver.store(true, ordering: .sequentiallyConsistent) }
  /// How many wait.
  var count: Int { inside.load(ordering: .sequentiallyConsistent) }
}

/// Tasks whose functions go on after their time limits.
@Suite(.timeLimit(.minutes(10)))
struct OverdueTaskTests {
  private static let short = TaskOptions(timeout: .milliseconds(30))

  private static func session<R>(threads: Int = 1, _ body: (Session) async throws -> R) async throws -> R {
    try await Session.run(
      SessionConfiguration(backend: .threads, threads: threads, progress: SessionConfiguration.Progress.none), body)
  }

  private static func error(_ body: () async throws -> Void) async throws -> MusterError? {
    do { try await body() } catch let error as MusterError { return error }
    return nil
  }

  /// Submits tasks that don't end before the hold is over, and waits until their time is up.
  private static func overdue(_ session: Session, _ count: Int, _ hold: Hold) async throws {
    let stuck = try session.map(Array(0..<count), name: "stuck", options: short) { _ in hold.wait() }
    for future in stuck {
      let error = try await error { _ = try await session.gather([future]) }
      #expect(error?.code == .timedOut)
    }
    #expect(hold.count == count)
  }

  @Test(arguments: [1, 3]) func aTaskThatGoesOnLeavesItsPlaceToOthers(threads: Int) async throws {
    let hold = Hold()
    defer { hold.letGo() }
    try await Self.session(threads: threads) { session in
      try await Self.overdue(session, threads, hold)
      // As many run at a time as before: no fewer, and no more, also once the others are back.
      for round in 0..<2 {
        let inside = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let tasks = (0..<30).map { index in
          session.delayed(name: "other") { () -> Int in
            most.max(inside.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .sequentiallyConsistent)
            let limit = ContinuousClock.now + .seconds(20)
            while most.load(ordering: .sequentiallyConsistent) < threads, .now < limit { usleep(200) }
            usleep(500)
            inside.subtract(1, ordering: .sequentiallyConsistent)
            return index
          }
        }
        #expect(try await session.compute(tasks) == Array(0..<30))
        #expect(most.load(ordering: .relaxed) == threads, "round \(round)")
        guard round == 0 else { break }
        #expect(hold.count == threads)
        hold.letGo()
        while hold.count > 0 { usleep(500) }
      }
    }
  }

  @Test func aTaskThatTookTooLongIsTriedAgain() async throws {
    let hold = Hold()
    defer { hold.letGo() }
    try await Self.session { session in
      let tries = Atomic<Int>(0)
      let options = TaskOptions(retries: 2, timeout: .milliseconds(50))
      let future = try session.submit(options: options) { () -> Int in
        let number = tries.add(1, ordering: .sequentiallyConsistent).newValue
        if number < 3 { hold.wait() }
        return number
      }
      #expect(try await session.gather([future]) == [3])
      #expect(hold.count == 2)
      // What the first ones yield in the end is of no interest.
      hold.letGo()
      while hold.count > 0 { usleep(500) }
      #expect(try await session.gather([future, session.submit { 4 }]) == [3, 4])
      #expect(tries.load(ordering: .relaxed) == 3)
    }
  }

  @Test func theSessionEndsAllTheSame() async throws {
    final class Token: Sendable {
      let isGone: Hold
      init(_ isGone: Hold) { self.isGone = isGone }
      deinit { isGone.letGo() }
    }
    let hold = Hold()
    let isGone = Hold()
    defer { hold.letGo() }
    do {
      let token = Token(isGone)
      try await Self.session { session in
        let stuck = try session.submit(options: Self.short) { [token] in withExtendedLifetime(token) { hold.wait() } }
        #expect(try await Self.error { _ = try await session.gather([stuck]) }?.code == .timedOut)
        #expect(try await session.gather([session.submit { 1 }]) == [1])
      }
    }
    // The session's end hasn't waited for it.
    #expect(hold.count == 1)
    // When it returns, what it has held goes.
    hold.letGo()
    isGone.wait()
    // Another session isn't disturbed.
    let values = try await Self.session { session in try await session.gather([session.submit { 2 }]) }
    #expect(values == [2])
  }

  /// One thread and 64 spare ones: with all of them gone, tasks fail rather than wait for ever.
  @Test func whereNoThreadIsLeftTasksFail() async throws {
    let hold = Hold()
    defer { hold.letGo() }
    try await Self.session { session in
      try await Self.overdue(session, 65, hold)
      let error = try await Self.error { _ = try await session.gather([session.submit(name: "late") { 1 }]) }
      #expect(error?.code == .threadsExhausted, "\(String(describing: error))")
      #expect(error?.task?.operation == "late")
      #expect(error?.message.contains("stuck[0] on rank 0") == true, "\(String(describing: error))")
      hold.letGo()
      // As soon as one of them is back there is a thread again.
      var values: [Int] = []
      for _ in 0..<2000 where values.isEmpty {
        usleep(5000)
        let future = try session.submit { 5 }
        _ = try await Self.error { values = try await session.gather([future]) }
      }
      #expect(values == [5])
    }
  }

  @Test func tasksWaitForEachOtherBesideOnesThatGoOn() async throws {
    let hold = Hold()
    defer { hold.letGo() }
    try await Self.session { session in
      try await Self.overdue(session, 3, hold)
      let (go, queue) = (session.event("go"), session.queue("q", of: Int.self))
      let waiting = try session.map(Array(0..<5)) { index -> Int in
        if index == 4 {
          try go.set()
          return try queue.get()
        }
        try go.wait()
        try queue.put(index)
        return index
      }
      #expect(try await session.gather(waiting).prefix(4) == [0, 1, 2, 3])
    }
  }

  /// Without threads there is nobody to take its place: the error comes when it returns, and others run after it.
  @Test func withTheSynchronousBackendTheErrorComesWithTheReturn() async throws {
    let configuration = SessionConfiguration(backend: .synchronous, progress: SessionConfiguration.Progress.none)
    try await Session.run(configuration) { session in
      let hasReturned = Atomic<Bool>(false)
      let late = try session.submit(options: Self.short) {
        usleep(300_000)
        hasReturned.store(true, ordering: .relaxed)
      }
      let isOver = hasReturned.load(ordering: .relaxed)
      #expect(isOver)
      #expect(try await Self.error { _ = try await session.gather([late]) }?.code == .timedOut)
      #expect(try await session.gather([session.submit { 1 }]) == [1])
    }
  }

  /// One that goes on may wake others, but isn't waited for.
  @Test func waitsThatOnlyAnOverdueTaskCouldEndAreAnError() async throws {
    let hold = Hold()
    defer { hold.letGo() }
    try await Self.session { session in
      let told = session.event("told")
      let late = try session.submit(options: Self.short) {
        usleep(400_000)
        try told.set()
      }
      let error = try await Self.error { _ = try await session.gather([late]) }
      #expect(error?.code == .timedOut)
      let waits = try session.submit { () -> Int in
        try told.wait()
        return 6
      }
      #expect(try await session.gather([waits]) == [6])

      try await Self.overdue(session, 1, hold)
      let never = session.event("never")
      let stuck = try await Self.error {
        _ = try await session.gather([session.submit(name: "hopeful") { try never.wait() }])
      }
      #expect(stuck?.code == .deadlock)
      #expect(stuck?.message.contains("hopeful[0] on rank 0") == true)
    }
  }
}
