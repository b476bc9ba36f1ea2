import Glibc
import MusterRuntime
import Synchronization
import Testing

/// Locks and the like in one process.
struct CoordinationTests {
  private static func session<R>(
    threads: Int = 4, backend: SessionConfiguration.Backend = .threads, _ body: (Session) async throws -> R
  ) async throws -> R {
    try await Session.run(
      SessionConfiguration(backend: backend, threads: threads, progress: SessionConfiguration.Progress.none), body)
  }

  private static func map<T: Sendable>(
    _ session: Session, _ count: Int, _ body: @escaping @Sendable (Int) throws -> T
  ) async throws -> [T] {
    let tasks = (0..<count).map { index in session.delayed(name: "work") { try body(index) } }
    return try await session.compute(tasks)
  }

  private static func code(_ body: () async throws -> Void) async throws -> MusterError.Code? {
    do { try await body() } catch let error as MusterError { return error.code }
    return nil
  }

  @Test func aLockIsHeldByOneAtATime() async throws {
    let inside = Atomic<Int>(0)
    let most = Atomic<Int>(0)
    let total = Mutex(0)
    try await Self.session { session in
      let lock = session.lock("l")
      _ = try await Self.map(session, 200) { _ in
        try lock.withLock {
          let now = inside.add(1, ordering: .sequentiallyConsistent).newValue
          most.max(now, ordering: .sequentiallyConsistent)
          usleep(50)
          inside.subtract(1, ordering: .sequentiallyConsistent)
          total.withLock { $0 += 1 }
        }
      }
    }
    #expect(most.load(ordering: .relaxed) == 1)
    #expect(total.withLock { $0 } == 200)
  }

  @Test func tasksThatWaitLendTheirPlaces() async throws {
    let values = try await Self.session(threads: 1) { session in
      let queue = session.queue("q", of: Int.self)
      return try await Self.map(session, 2) { index in
        if index == 1 { try queue.put(42) }
        return try index == 0 ? queue.get() : 0
      }
    }
    #expect(values == [42, 0])
  }

  /// A thread that is started for tasks that wait is no more than a place: never more tasks run than there are threads,
  /// but for a moment after a wait.
  @Test func placesAreTakenByOneTaskEach() async throws {
    let running = Atomic<Int>(0)
    let most = Atomic<Int>(0)
    try await Self.session(threads: 2) { session in
      let go = session.event("go")
      _ = try await Self.map(session, 40) { index in
        if index == 0 { return try go.wait() }
        most.max(running.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .sequentiallyConsistent)
        // However long it takes the spare thread to begin, two tasks meet.
        let limit = ContinuousClock.now + .seconds(20)
        while most.load(ordering: .sequentiallyConsistent) < 2, .now < limit { usleep(200) }
        usleep(1000)
        running.subtract(1, ordering: .sequentiallyConsistent)
        if index == 39 { try go.set() }
      }
    }
    #expect(most.load(ordering: .relaxed) == 2)
  }

  /// One thread and 64 spare ones: the task that would wake the others is one too many.
  @Test func moreWaitsThanSpareThreadsAreAnError() async throws {
    for (tasks, code) in [(65, nil), (66, MusterError.Code.deadlock)] as [(Int, MusterError.Code?)] {
      let error = try await Self.code {
        try await Self.session(threads: 1) { session in
          let go = session.event("go")
          _ = try await Self.map(session, tasks) { index in
            if index == tasks - 1 { try go.set() } else { try go.wait() }
          }
        }
      }
      #expect(error == code)
    }
  }

  /// Those who wait for each other's short turns may be any number.
  @Test func moreTasksThanSpareThreadsMayWaitForALock() async throws {
    let count = Mutex(0)
    try await Self.session(threads: 2) { session in
      let lock = session.lock("l")
      _ = try await Self.map(session, 200) { _ in
        try lock.withLock {
          usleep(2000)
          count.withLock { $0 += 1 }
        }
      }
    }
    #expect(count.withLock { $0 } == 200)
  }

  @Test func waitsThatNobodyIsLeftToEndAreAnError() async throws {
    // The last one to wait finds it; or the last one to end, where it does nothing for the others.
    for sleeps in [false, true] {
      let error = await #expect(throws: MusterError.self) {
        try await Self.session(threads: 2) { session in
          let queue = session.queue("q", of: Int.self)
          let event = session.event("e")
          _ = try await Self.map(session, 3) { index in
            switch index {
            case 1: try event.wait(timeout: .milliseconds(10))
            case 2 where sleeps: usleep(20_000)
            default: _ = try queue.get()
            }
          }
        }
      }
      // A wait with a timeout isn't one of them: that one ends first, and by itself.
      #expect(error?.code == .timedOut)
      let certain = await #expect(throws: MusterError.self) {
        try await Self.session(threads: 2) { session in
          let queue = session.queue("q", of: Int.self)
          _ = try await Self.map(session, 3) { index in
            if index == 2, sleeps { usleep(20_000) } else { _ = try queue.get() }
          }
        }
      }
      #expect(certain?.code == .deadlock)
      #expect(
        certain?.message.contains(
          #/work\[0\] on rank 0 \(MusterRuntimeTests/CoordinationTests.swift:\d+\) waits for queue "q"/#)
          == true, "\(String(describing: certain))")
    }
  }

  @Test func aWorkerWhoseTasksAllWaitGetsOthers() async throws {
    let values = try await Self.session(threads: 1) { session in
      let go = session.event("go")
      return try await Self.map(session, 61) { index in
        if index == 60 { try go.set() } else { try go.wait(timeout: .seconds(60)) }
        return index
      }
    }
    #expect(values == Array(0..<61))
  }

  /// Short tasks are taken several at a time: here the first of many waits for values of those that come after it, and of
  /// those that take what others have yielded.
  @Test func whatAThreadHasTakenDoesntWaitWithIt() async throws {
    for threads in 1...2 {
      let sum = try await Self.session(threads: threads) { session in
        let queue = session.queue("q", of: Int.self)
        // Tasks are known to be short.
        _ = try await Self.map(session, 3000) { $0 }
        let first = (0..<20).map { index in session.delayed(name: "first") { index } }
        let waits = session.delayed(name: "waits") { try (0..<40).reduce(0) { sum, _ in try sum + queue.get() } }
        let tells = first.map { value in
          session.delayed(value, name: "tells") { value in
            try queue.put(value)
            return 0
          }
        }
        let also = (0..<20).map { _ in
          session.delayed(name: "also") {
            try queue.put(1)
            return 0
          }
        }
        return try await session.compute(Array(tells[..<10]) + [waits] + also + Array(tells[10...])).max()
      }
      #expect(sum == 190 + 20)
    }
  }

  @Test func theProgramWaitsForAFuture() async throws {
    for threads in [1, 3] {
      try await Self.session(threads: threads) { session in
        let (ready, done) = (session.event("ready"), session.event("done"))
        let numbers = session.queue("numbers", of: Int.self)
        let future = try session.submit {
          usleep(20_000)
          try ready.set()
          try numbers.put(5)
          // The program tells it, after a while in which nothing else runs: that's no deadlock.
          try done.wait()
          return 7
        }
        try await ready.wait()
        #expect(try await numbers.get() == 5)
        usleep(250_000)
        try await done.set()
        #expect(try await session.gather([future]) == [7])
        // Nobody is left to put another one.
        #expect(try await Self.code { _ = try await numbers.get() } == .deadlock)
      }
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: [nil, 1, 3] as [Int?])
  func theProgramWaitsNoLongerThanItsTimeout(threads: Int?) async throws {
    let configuration = SessionConfiguration(
      backend: threads == nil ? .synchronous : .threads, threads: threads ?? 1,
      progress: SessionConfiguration.Progress.none)
    try await Session.run(configuration) { session in
      let queue = session.queue("numbers", of: Int.self, capacity: 1)
      let event = session.event("never")
      let variable = session.variable("none", of: Int.self)
      // Nobody is left to end these waits: but they end.
      let short = Duration.milliseconds(20)
      #expect(try await Self.code { _ = try await queue.get(timeout: short) } == .timedOut)
      #expect(try await Self.code { try await event.wait(timeout: short) } == .timedOut)
      #expect(try await Self.code { _ = try await variable.get(timeout: .zero) } == .timedOut)
      try await queue.put(1, timeout: short)
      #expect(try await Self.code { try await queue.put(2, timeout: short) } == .timedOut)
      // What timed out wasn't put.
      #expect(try await queue.count() == 1)
      #expect(try await queue.get(timeout: short) == 1)
      #expect(try await Self.code { _ = try await queue.get(timeout: .zero - short) } == .invalidArgument)
      #expect(try await Self.code { _ = try await queue.get() } == .deadlock)
      guard threads != nil else { return }
      let future = try session.submit {
        usleep(20_000)
        try queue.put(7)
        return 8
      }
      #expect(try await queue.get(timeout: .seconds(60)) == 7)
      #expect(try await future.value() == 8)
    }
  }

  @Test func futuresThatNobodyIsLeftToWakeFailOnceTheProgramWaits() async throws {
    try await Self.session(threads: 2) { session in
      let never = session.event("never")
      let futures = try session.map([1, 2, 3]) { number -> Int in
        if number < 3 { try never.wait() }
        return number
      }
      #expect(try await Self.code { _ = try await session.gather(futures) } == .deadlock)
      // One that waits, and is cancelled, ends.
      let again = session.event("again")
      let begun = session.event("begun")
      let waiting = try session.submit {
        try begun.set()
        try again.wait()
      }
      try await begun.wait()
      try session.cancel([waiting])
      #expect(try await Self.code { _ = try await session.gather([waiting]) } == .cancelled)
      // It doesn't begin to wait after that either.
      let (running, ended) = (session.event("running"), session.event("ended"))
      let told = Mutex<MusterError.Code?>(nil)
      let mayWait = Atomic<Bool>(false)
      let late = try session.submit {
        try running.set()
        while !mayWait.load(ordering: .sequentiallyConsistent) { usleep(100) }
        do { try never.wait() } catch let error as MusterError { told.withLock { $0 = error.code } }
        try ended.set()
      }
      try await running.wait()
      try session.cancel([late])
      mayWait.store(true, ordering: .sequentiallyConsistent)
      try await ended.wait()
      #expect(told.withLock { $0 } == .cancelled)
    }
  }

  @Test func aTaskWithATimeLimitWaitsNoLongerThanThat() async throws {
    for threads in [1, 3] {
      try await Self.session(threads: threads) { session in
        let (never, woken, ended) = (session.event("never"), session.event("woken"), session.event("ended"))
        // All wait, the program too, and it's no deadlock: its time ends the first one's wait.
        let limited = try session.submit(options: TaskOptions(timeout: .milliseconds(200))) {
          do { try never.wait() } catch {
            try woken.set()
            throw error
          }
        }
        let other = try session.submit { () -> Int in
          try woken.wait()
          return 3
        }
        #expect(try await session.gather([other]) == [3])
        #expect(try await Self.code { _ = try await session.gather([limited]) } == .timedOut)
        // One whose time was up before doesn't begin to wait.
        let told = Mutex<MusterError.Code?>(nil)
        let late = try session.submit(options: TaskOptions(timeout: .milliseconds(30))) {
          usleep(100_000)
          do { try never.wait() } catch let error as MusterError { told.withLock { $0 = error.code } }
          try ended.set()
        }
        try await ended.wait()
        #expect(told.withLock { $0 } == .timedOut)
        #expect(try await Self.code { _ = try await session.gather([late]) } == .timedOut)
      }
    }
  }

  @Test func theSynchronousBackendCantWait() async throws {
    let code = try await Self.code {
      try await Self.session(backend: .synchronous) { session in
        let never = session.event("never")
        _ = try await Self.map(session, 1) { _ in try never.wait() }
      }
    }
    #expect(code == .deadlock)
    // Where there is nothing to wait for it coordinates all the same.
    let sum = try await Self.session(backend: .synchronous) { session in
      let queue = session.queue("q", of: Int.self)
      _ = try await Self.map(session, 3) { try queue.put($0) }
      return try await queue.get() + queue.get() + queue.get()
    }
    #expect(sum == 3)
  }

  @Test func aTaskThatFailsReleasesWhatItHolds() async throws {
    try await Self.session { session in
      let lock = session.lock("l")
      let semaphore = session.semaphore("s", limit: 2)
      let failed = try await Self.code {
        _ = try await Self.map(session, 1) { _ in
          try lock.acquire()
          for _ in 0..<2 { try semaphore.acquire() }
          throw MusterError(.indexOutOfRange, "a mishap")
        }
      }
      #expect(failed == .indexOutOfRange)
      _ = try await Self.map(session, 1) { _ in
        try lock.acquire(timeout: .zero)
        for _ in 0..<2 { try semaphore.acquire(timeout: .zero) }
      }
    }
  }

  @Test func theErrorOfOneTaskWakesTheOthers() async throws {
    let woken = Mutex<[MusterError.Code]>([])
    let code = try await Self.code {
      try await Self.session { session in
        let lock = session.lock("l")
        let ready = session.queue("ready", of: Int.self)
        _ = try await Self.map(session, 3) { index in
          switch index {
          case 0:
            try lock.acquire()
            for _ in 0..<2 { _ = try ready.get() }
            usleep(20_000)
            throw MusterError(.indexOutOfRange, "a mishap")
          case 1:
            try ready.put(index)
            do { try session.event("never").wait() } catch let error as MusterError {
              woken.withLock { $0.append(error.code) }
            }
          default:
            try ready.put(index)
            do { _ = try session.queue("empty", of: Int.self).get() } catch let error as MusterError {
              woken.withLock { $0.append(error.code) }
            }
          }
        }
      }
    }
    #expect(code == .indexOutOfRange)
    #expect(woken.withLock { $0 } == [.cancelled, .cancelled])
  }

  @Test func timeoutsArentEarly() async throws {
    try await Self.session { session in
      let never = session.event("never")
      let queue = session.queue("q", of: Int.self, capacity: 1)
      let waited = try await Self.map(session, 2) { index -> Duration in
        let clock = ContinuousClock()
        let start = clock.now
        do {
          if index == 0 {
            try never.wait(timeout: .milliseconds(80))
          } else {
            try queue.put(1)
            try queue.put(2, timeout: .milliseconds(80))
          }
        } catch let error as MusterError where error.code == .timedOut {}
        return clock.now - start
      }
      #expect(waited.allSatisfy { $0 >= .milliseconds(79) && $0 < .seconds(20) }, "\(waited)")
      // What wasn't put in time isn't there.
      let count = try await queue.count()
      #expect(count == 1)
    }
  }

  @Test func onlyTasksHoldLocks() async throws {
    let lock = try await Self.session { session in
      let lock = session.lock("l")
      // On a thread that runs no task.
      let error = #expect(throws: MusterError.self) { try lock.acquire() }
      #expect(error?.code == .notInTask)
      _ = try await Self.map(session, 1) { _ in try lock.withLock {} }
      return lock
    }
    let code = try await Self.code {
      try await Self.session { session in _ = try await Self.map(session, 1) { _ in try lock.acquire() } }
    }
    #expect(code == .session)
  }

  @Test func valuesThatCantCrossAreRefused() async throws {
    final class Opaque: Sendable {}
    try await Self.session { session in
      let queue = session.queue("q", of: Opaque.self)
      #expect(try await Self.code { try await queue.put(Opaque()) } == .invalidArgument)
      #expect(
        try await Self.code { _ = try await Self.map(session, 1) { _ in try queue.put(Opaque()) } } == .invalidArgument)
      for capacity in [0, -3] {
        let bad = session.queue("bad \(capacity)", of: Int.self, capacity: capacity)
        #expect(try await Self.code { try await bad.put(1) } == .invalidArgument)
      }
      let small = session.semaphore("s", limit: 2)
      _ = try await Self.map(session, 1) { _ in try small.withLease {} }
      let large = session.semaphore("s", limit: 3)
      #expect(
        try await Self.code { _ = try await Self.map(session, 1) { _ in try large.withLease {} } } == .invalidArgument)
      let past = session.event("e")
      #expect(
        try await Self.code { _ = try await Self.map(session, 1) { _ in try past.wait(timeout: .seconds(-1)) } }
          == .invalidArgument)
    }
  }
}
