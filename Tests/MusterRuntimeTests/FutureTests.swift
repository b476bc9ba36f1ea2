import Foundation
import MusterRuntime
import Synchronization
import Testing

private func quiet(threads: Int = 2) -> SessionConfiguration {
  SessionConfiguration(backend: .threads, threads: threads, progress: SessionConfiguration.Progress.none)
}

@Suite struct FutureTests {
  @Test func tasksRunWhileTheProgramGoesOn() async throws {
    try await Session.run(quiet()) { session in
      let gate = Gate()
      let begun = Counter()
      let future = try session.submit {
        begun.enter()
        gate.wait()
        return 42
      }
      // Nobody has asked for the value.
      while begun.inside == 0 { usleep(200) }
      #expect(try await future.status() == .assigned)
      gate.open()
      #expect(try await future.value() == 42)
      #expect(try await future.status() == .finished)
      #expect(begun.inside == 1)
    }
  }

  @Test func anySequenceIsMapped() async throws {
    try await Session.run(quiet()) { session in
      let squares = try session.map(0..<5) { $0 * $0 }
      #expect(try await session.gather(squares) == [0, 1, 4, 9, 16])
      let odd = try session.map(squares.enumerated().lazy.filter { $0.offset % 2 == 1 }.map(\.element)) { $0 + 1 }
      #expect(try await session.gather(odd) == [2, 10])
      #expect(try session.map(EmptyCollection<Int>()) { $0 }.isEmpty)
      #expect(try await session.gather(session.map(stride(from: 2.0, to: 3, by: 0.5)) { $0 / 2 }) == [1, 1.25])
    }
  }

  @Test func fewerThanNoRetriesAreRefused() async throws {
    try await Session.run(quiet()) { session in
      #expect {
        try session.submit(options: TaskOptions(retries: -1)) { 1 }
      } throws: { error in
        (error as? MusterError)?.code == .invalidArgument && "\(error)".contains("retries is -1")
      }
      #expect(throws: MusterError.self) { try session.map(0..<2, options: TaskOptions(retries: -2)) { $0 } }
      #expect {
        try session.submit(options: TaskOptions(timeout: .seconds(-5))) { 1 }
      } throws: { error in
        (error as? MusterError)?.code == .invalidArgument && "\(error)".contains("timeout is -5")
      }
    }
  }

  @Test(arguments: [1, 2, 5]) func futuresAreInputs(threads: Int) async throws {
    try await Session.run(quiet(threads: threads)) { session in
      let numbers = try session.map(Array(1...100)) { $0 * $0 }
      let doubled = try session.map(numbers) { $0 * 2 }
      let sum = try session.submit(doubled) { $0.reduce(0, +) }
      let text = session.delayed(sum, numbers[9]) { "\($0) and \($1)" }
      #expect(try await text.compute() == "676700 and 100")
      #expect(try await session.gather(numbers) == (1...100).map { $0 * $0 })
      #expect(try await sum.value() == 676_700)
    }
  }

  @Test func synchronousSessionsRunThemAtOnce() async throws {
    let configuration = SessionConfiguration(backend: .synchronous, progress: SessionConfiguration.Progress.none)
    try await Session.run(configuration) { session in
      let counter = Counter()
      let future = try session.submit { counter.enter() }
      #expect(counter.inside == 1)
      try await future.value()
      #expect(counter.inside == 1)
      #expect(try await future.status() == .finished)
      let numbers = try session.map([3, 1, 2]) { $0 }
      var sum = 0
      for try await number in session.asCompleted(numbers) { sum += try await number.value() }
      #expect(sum == 6)
    }
  }

  @Test(arguments: [SessionConfiguration.Backend.threads, .synchronous])
  func aSessionLeavesNothingBehind(backend: SessionConfiguration.Backend) async throws {
    final class Token: Sendable {
      let left: Counter
      init(_ left: Counter) {
        self.left = left
        left.enter()
      }
      deinit { left.leave() }
    }
    let left = Counter()
    var kept: [Future<Int>] = []
    for _ in 0..<3 {
      let configuration = SessionConfiguration(
        backend: backend, threads: 2, progress: SessionConfiguration.Progress.none)
      try await Session.run(configuration) { session in
        let token = Token(left)
        var last = try session.submit { [token] in withExtendedLifetime(token) { 1 } }
        for _ in 0..<5 {
          last = try session.submit(last) { [token] value in withExtendedLifetime(token) { 2 * value } }
        }
        #expect(try await last.value() == 32)
        // Nobody waits for this one.
        kept.append(try session.submit(last) { [token] value in withExtendedLifetime(token) { value } })
      }
    }
    kept = []
    for _ in 0..<500 where left.inside > 0 { usleep(10_000) }
    #expect(left.inside == 0)
  }

  @Test func aChainOfFuturesKeepsItsEndOnly() async throws {
    final class Value: Sendable, Codable {
      static let alive = Atomic<Int>(0)
      let number: Int
      init(_ number: Int) {
        self.number = number
        Value.alive.add(1, ordering: .relaxed)
      }
      init(from decoder: any Decoder) throws { fatalError("nothing crosses") }
      func encode(to encoder: any Encoder) throws { fatalError("nothing crosses") }
      deinit { Value.alive.subtract(1, ordering: .relaxed) }
    }
    try await Session.run(quiet()) { session in
      var last = try session.submit { Value(0) }
      var most = 0
      for number in 1...100 {
        last = try session.submit(last) { Value($0.number + 1) }
        #expect(try await last.value().number == number)
        for _ in 0..<200 where Value.alive.load(ordering: .relaxed) > 3 { usleep(1000) }
        most = max(most, Value.alive.load(ordering: .relaxed))
      }
      #expect(most <= 3)
    }
  }

  @Test func whatGoesWithATaskMayCallTheSession() async throws {
    final class Canceller: Sendable {
      let future: Future<Int>
      let isGone: Counter
      init(_ future: Future<Int>, _ isGone: Counter) { (self.future, self.isGone) = (future, isGone) }
      deinit {
        try? future.cancel()
        isGone.enter()
      }
    }
    try await Session.run(quiet()) { session in
      let gate = Gate()
      let isGone = Counter()
      let late = try session.submit {
        gate.wait()
        return 1
      }
      func useOnce() async throws {
        let canceller = Canceller(late, isGone)
        let future = try session.submit { [canceller] in withExtendedLifetime(canceller) { 2 } }
        #expect(try await future.value() == 2)
      }
      try await useOnce()
      for _ in 0..<500 where isGone.inside == 0 { usleep(10_000) }
      #expect(isGone.inside == 1)
      gate.open()
      #expect(try await session.submit { 3 }.value() == 3)
    }
  }

  @Test func asCompletedGoesByTheEnds() async throws {
    try await Session.run(quiet(threads: 3)) { session in
      let gates = (0..<3).map { _ in Gate() }
      let futures = try session.map(Array(0..<3)) { number in
        gates[number].wait()
        if number == 1 { throw MusterError(.taskFailed, "one") }
        return number
      }
      var order: [Int] = []
      var next = [2, 1, 0][...]
      gates[next.removeFirst()].open()
      for try await future in session.asCompleted(futures) {
        do { order.append(try await future.value()) } catch let error as MusterError {
          #expect(error.message.contains("one"))
          order.append(1)
        }
        if let number = next.popFirst() { gates[number].open() }
      }
      #expect(order == [2, 1, 0])
    }
  }

  @Test func waitingHasATimeout() async throws {
    try await Session.run(quiet()) { session in
      let gate = Gate()
      let future = try session.submit { gate.wait() }
      var completed = session.asCompleted([future], timeout: .milliseconds(50)).makeAsyncIterator()
      await #expect { _ = try await completed.next() } throws: { ($0 as? MusterError)?.code == .timedOut }
      gate.open()
      #expect(try await completed.next() != nil)
      #expect(try await completed.next() == nil)
    }
  }

  @Test func errorsKeepWhatTheyAre() async throws {
    try await Session.run(quiet()) { session in
      let failing = try session.submit(name: "doomed") { () -> Int in throw MusterError(.diskFull, "no room") }
      let after = try session.submit(failing) { $0 + 1 }
      for future in [failing, after] {
        await #expect {
          _ = try await future.value()
        } throws: { error in
          let error = error as? MusterError
          return error?.code == .diskFull && error?.task?.operation == "doomed"
        }
        #expect(try await future.status() == .failed)
      }
      // A collective that needs it fails with the same, and others go on.
      await #expect { try await session.compute(after, session.delayed { 1 }) } throws: {
        ($0 as? MusterError)?.code == .diskFull
      }
      #expect(try await session.delayed { 2 }.compute() == 2)
    }
  }

  @Test func retriesAreCounted() async throws {
    try await Session.run(quiet()) { session in
      let counter = Counter()
      let future = try session.submit(options: TaskOptions(retries: 3)) {
        counter.enter()
        if counter.inside < 3 { throw MusterError(.inputOutput, "not yet") }
        return counter.inside
      }
      #expect(try await future.value() == 3)
      let hopeless = try session.submit(options: TaskOptions(retries: 2)) { () -> Int in
        throw MusterError(.inputOutput, "never")
      }
      await #expect { _ = try await hopeless.value() } throws: { ($0 as? MusterError)?.task?.attempt == 3 }
    }
  }

  @Test func cancelledTasksDoNotRun() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let gate = Gate()
      let blocking = try session.submit { gate.wait() }
      let counter = Counter()
      let cancelled = try session.submit { counter.enter() }
      let after = try session.submit(cancelled) { (_: Void) in counter.enter() }
      let other = try session.submit { 7 }
      try cancelled.cancel()
      for future in [cancelled, after] {
        await #expect { try await future.value() } throws: { ($0 as? MusterError)?.code == .cancelled }
        #expect(try await future.status() == .cancelled)
      }
      gate.open()
      try await blocking.value()
      #expect(try await other.value() == 7)
      #expect(counter.inside == 0)
      // What is done stays done.
      try other.cancel()
      #expect(try await other.value() == 7)
    }
  }

  @Test func whatRunsIsCancelledForItsDependents() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let gate = Gate()
      let begun = Gate()
      let running = try session.submit { () -> Int in
        begun.open()
        gate.wait()
        return 1
      }
      let after = try session.submit(running) { $0 + 1 }
      begun.wait()
      try running.cancel()
      await #expect { _ = try await after.value() } throws: { ($0 as? MusterError)?.code == .cancelled }
      gate.open()
      #expect(try await session.submit { 3 }.value() == 3)
    }
  }

  @Test func prioritiesGoFirst() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let (begun, gate) = (Gate(), Gate())
      let order = Mutex<[Int]>([])
      let blocking = try session.submit {
        begun.open()
        gate.wait()
      }
      // Else a more urgent one may run before it, while the rest isn't submitted.
      begun.wait()
      var futures: [Future<Void>] = []
      for priority in [0, -5, 3, 0, 10] {
        futures.append(
          try session.submit(options: TaskOptions(priority: priority)) { order.withLock { $0.append(priority) } })
      }
      gate.open()
      try await blocking.value()
      _ = try await session.gather(futures)
      #expect(order.withLock { $0 } == [10, 3, 0, 0, -5])
    }
  }

  @Test func valuesThatEveryRankHasNeedNoTask() async throws {
    try await Session.run(quiet()) { session in
      let table = session.broadcast([1, 2, 3])
      let futures = try session.map(Array(0..<3)) { $0 }
      let looked = try futures.map { future in try session.submit(table, future) { $0[$1] } }
      #expect(try await session.gather(looked) == [1, 2, 3])
      #expect(try await table.status() == .finished)
      #expect(try await table.value() == [1, 2, 3])
      #expect(try await session.gather(session.scatter(["a", "b"])) == ["a", "b"])
    }
  }

  @Test func aTypeThatCannotCrossIsRefused() async throws {
    struct Opaque: Sendable { var make: @Sendable () -> Int = { 1 } }
    try await Session.run(quiet()) { (session) async throws -> Void in
      #expect { try session.submit { Opaque() } } throws: { ($0 as? MusterError)?.code == .invalidArgument }
    }
  }

  @Test func persistedValuesAreComputedOnce() async throws {
    try await Session.run(quiet()) { session in
      let counter = Counter()
      let value = session.delayed { () -> Int in
        counter.enter()
        return 5
      }
      let kept = try value.persist()
      #expect(try await kept.compute() == 5)
      #expect(try await session.delayed(kept, kept) { $0 + $1 }.compute() == 10)
      #expect(counter.inside == 1)
      let (one, two) = try session.persist(value, session.delayed(kept) { $0 * 3 })
      #expect(try await session.compute(one, two) == (5, 15))
      #expect(counter.inside == 2)
    }
  }

  @Test func whatIsLetGoOfIsFreed() async throws {
    final class Watched: Sendable {
      static let alive = Atomic<Int>(0)
      init() { Watched.alive.add(1, ordering: .relaxed) }
      deinit { Watched.alive.subtract(1, ordering: .relaxed) }
    }
    try await Session.run(quiet()) { session in
      for round in 0..<200 {
        let watched = Watched()
        let future = try session.submit { withExtendedLifetime(watched) { round } }
        if round % 3 == 0 { #expect(try await future.value() == round) }
      }
      // The closures go with the futures: a later graph sees to it.
      #expect(try await session.delayed { 1 }.compute() == 1)
      for _ in 0..<500 where Watched.alive.load(ordering: .relaxed) > 0 { usleep(2000) }
      #expect(Watched.alive.load(ordering: .relaxed) == 0)
    }
  }

  @Test func manyShortTasks() async throws {
    try await Session.run(quiet()) { session in
      var sum = 0
      for round in 0..<20 {
        let futures = try session.map(Array(0..<1000)) { $0 + round }
        for try await future in session.asCompleted(futures) { sum += try await future.value() }
      }
      #expect(sum == (0..<20).reduce(0) { $0 + 499_500 + 1000 * $1 })
    }
  }
}

/// What tasks are told apart by: their time, and the errors that they throw.
@Suite struct TaskEndTests {
  private struct StationMissing: Error, Codable, Equatable {
    var name: String
    var tries: [Int]
  }
  private struct Unspeakable: Error {}

  @Test func aTaskThatTakesTooLongHasFailed() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let gate = Gate()
      let slow = try session.submit(name: "slow", options: TaskOptions(timeout: .milliseconds(60))) { gate.wait() }
      let quick = try session.submit(options: TaskOptions(timeout: .seconds(60))) { 5 }
      await #expect {
        try await slow.value()
      } throws: { error in
        let error = error as? MusterError
        return error?.code == .timedOut && error?.task?.operation == "slow" && error?.message.contains("0.06 s") == true
      }
      gate.open()
      #expect(try await quick.value() == 5)
      #expect(try await slow.status() == .failed)
    }
  }

  @Test func aTaskThatTookTooLongIsTriedAgain() async throws {
    try await Session.run(quiet(threads: 2)) { session in
      let gate = Gate()
      let tries = Counter()
      let future = try session.submit(options: TaskOptions(retries: 1, timeout: .milliseconds(80))) { () -> Int in
        tries.enter()
        if tries.inside == 1 { gate.wait() }
        return tries.inside
      }
      #expect(try await future.value() == 2)
      gate.open()
      #expect(try await future.value() == 2)
    }
  }

  @Test func errorsKeepTheirType() async throws {
    try await Session.run(quiet()) { session in
      let missing = StationMissing(name: "A17", tries: [1, 2])
      let future = try session.submit(name: "read") { () -> Int in throw missing }
      await #expect {
        _ = try await future.value()
      } throws: { error in
        let error = error as? MusterError
        return error?.cause(as: StationMissing.self) == missing && error?.code == .taskFailed
          && error?.message.contains("A17") == true && error?.task?.operation == "read"
      }
      let other = session.delayed { () -> Int in throw Unspeakable() }
      await #expect {
        _ = try await other.compute()
      } throws: { error in
        let error = error as? MusterError
        return error?.cause(as: StationMissing.self) == nil && error?.message.contains("Unspeakable") == true
      }
    }
  }
}
