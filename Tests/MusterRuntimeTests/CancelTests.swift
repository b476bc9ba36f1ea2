import Foundation
import MusterRuntime
import Synchronization
import Testing

/// What is cancelled doesn't begin any more.
@Suite(.timeLimit(.minutes(10))) struct CancelTests {
  /// It would be one rank's alone.
  @Test func aTaskCannotCancel() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let kept = try session.persist(session.delayed { 1 })
      let future = try session.submit { 2 }
      let codes = try session.submit {
        let attempts: [() throws -> Void] = [
          { try future.cancel() }, { try session.cancel([future]) }, { try kept.cancel() },
        ]
        return attempts.map { attempt in
          do { try attempt() } catch let error as MusterError { return error.code == .session } catch { return false }
          return false
        }
      }
      #expect(try await codes.value() == [true, true, true])
      #expect(try await future.value() == 2)
    }
  }

  private func quiet(threads: Int) -> SessionConfiguration {
    SessionConfiguration(backend: .threads, threads: threads, progress: SessionConfiguration.Progress.none)
  }

  /// A thread takes many short tasks at a time: those that are cancelled while one of them runs don't begin.
  @Test func whatAThreadHasTakenDoesNotBegin() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let stops = Array(stride(from: 1000, to: 3000, by: 200))
      let gates = stops.map { _ in (begun: Gate(), open: Gate()) }
      let ran = Recorder()
      let futures = try session.map(Array(0..<3000)) { number in
        _ = ran.append(number)
        guard let stop = stops.firstIndex(of: number) else { return }
        gates[stop].begun.open()
        gates[stop].open.wait()
      }
      var cancelled = Set<Int>()
      for (stop, gate) in zip(stops, gates) {
        gate.begun.wait()
        let next = stop + 1...stop + 60
        try session.cancel(Array(futures[next]))
        cancelled.formUnion(next)
        gate.open.open()
      }
      _ = try await session.gather(futures.indices.filter { !cancelled.contains($0) }.map { futures[$0] })
      #expect(ran.values.filter { cancelled.contains($0) } == [])
      #expect(ran.values.count == futures.count - cancelled.count)
      #expect(Set(try await session.statuses(of: cancelled.map { futures[$0] })) == [.cancelled])
      // The thread goes on, and so does what it had taken beside them.
      #expect(try await session.submit { 3 }.value() == 3)
    }
  }

  /// What a waiting task's thread had taken is given to others, but for what is cancelled.
  @Test func whatIsTakenBesideATaskThatWaitsDoesNotBegin() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let begun = Gate()
      let ran = Recorder()
      let futures = try session.map(Array(0..<1000)) { number in
        _ = ran.append(number)
        guard number == 700 else { return }
        begun.open()
        try session.event("go").wait()
      }
      begun.wait()
      try session.cancel(Array(futures[701..<900]))
      let before = Set(ran.values)
      try await session.event("go").set()
      _ = try await session.gather(futures.indices.filter { !(701..<900).contains($0) }.map { futures[$0] })
      // Those that ran while the other one waited had begun before they were cancelled; one of them may not have come as
      // far as to say so.
      let late = Set(ran.values.filter { (701..<900).contains($0) }).subtracting(before)
      #expect(late.count <= 1, "\(late)")
    }
  }

  @Test func keptValuesAreCancelledWithWhatOnlyTheyNeed() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let gate = Gate()
      let blocking = try session.submit { gate.wait() }
      let ran = Counter()
      let parts = (0..<100).map { number in
        session.delayed { () -> Int in
          ran.enter()
          return number
        }
      }
      let kept = try session.delayed(parts) { $0.reduce(0, +) }.persist()
      let after = try session.submit(kept) { $0 + 1 }
      try kept.cancel()
      await #expect { _ = try await kept.compute() } throws: { ($0 as? MusterError)?.code == .cancelled }
      await #expect { _ = try await after.value() } throws: { ($0 as? MusterError)?.code == .cancelled }
      gate.open()
      try await blocking.value()
      #expect(try await session.submit { 3 }.value() == 3)
      #expect(ran.inside == 0)
      // What it was made of is as it was.
      #expect(try await session.delayed(parts) { $0.reduce(0, +) }.compute() == 4950)
    }
  }

  @Test func whatRunsEndsAndIsDropped() async throws {
    final class Value: Sendable, Codable {
      static let alive = Atomic<Int>(0)
      init() { Value.alive.add(1, ordering: .relaxed) }
      init(from decoder: any Decoder) throws { fatalError("nothing crosses") }
      func encode(to encoder: any Encoder) throws { fatalError("nothing crosses") }
      deinit { Value.alive.subtract(1, ordering: .relaxed) }
    }
    try await Session.run(quiet(threads: 2)) { session in
      let (begun, gate) = (Gate(), Gate())
      let ended = Counter()
      let kept = try session.delayed { () -> Value in
        begun.open()
        gate.wait()
        defer { ended.enter() }
        return Value()
      }.persist()
      begun.wait()
      try kept.cancel()
      await #expect { _ = try await session.delayed(kept) { _ in 1 }.compute() } throws: {
        ($0 as? MusterError)?.code == .cancelled
      }
      #expect(ended.inside == 0)
      gate.open()
      for _ in 0..<5000 where ended.inside == 0 || Value.alive.load(ordering: .relaxed) > 0 { usleep(1000) }
      #expect(ended.inside == 1 && Value.alive.load(ordering: .relaxed) == 0)
    }
  }

  @Test func othersOfTheSameCallGoOn() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let gate = Gate()
      let shared = session.delayed { () -> Int in
        gate.wait()
        return 20
      }
      let (one, two) = try session.persist(session.delayed(shared) { $0 + 1 }, session.delayed(shared) { $0 + 2 })
      try one.cancel()
      gate.open()
      #expect(try await two.compute() == 22)
      await #expect { _ = try await one.compute() } throws: { ($0 as? MusterError)?.code == .cancelled }
      // What is there stays.
      try two.cancel()
      #expect(try await two.compute() == 22)
    }
  }

  /// What was begun for a kept value alone may wait for a lock that nobody gives back: it is woken.
  @Test(.timeLimit(.minutes(10))) func whatWaitsForTheSakeOfWhatIsCancelledIsWoken() async throws {
    try await Session.run(quiet(threads: 2)) { session in
      let (inner, shared) = (Gate(), Gate())
      let never = session.event("never")
      let (woken, other) = (Counter(), Counter())
      let waits = session.delayed { () -> Int in
        inner.open()
        do { try never.wait() } catch let error as MusterError where error.code == .cancelled { woken.enter() }
        return 1
      }
      let both = session.delayed { () -> Int in
        shared.open()
        do { try never.wait(timeout: .milliseconds(300)) } catch let error as MusterError where error.code == .cancelled
        {
          other.enter()
        } catch {}
        return 2
      }
      let deep = session.delayed(session.delayed(waits) { $0 }, both) { $0 + $1 }
      let (first, second) = try session.persist(deep, session.delayed(both) { $0 })
      inner.wait()
      shared.wait()
      try first.cancel()
      for _ in 0..<5000 where woken.inside == 0 { usleep(1000) }
      #expect(woken.inside == 1)
      // What another kept value needs too goes on.
      #expect(try await second.compute() == 2)
      #expect(other.inside == 0)
    }
  }

  /// What takes the cancelled value fails with it, and what was begun for that alone is woken.
  @Test(.timeLimit(.minutes(10))) func whatWasBegunForThoseThatFailIsWoken() async throws {
    try await Session.run(quiet(threads: 2)) { session in
      let begun = Gate()
      let never = session.event("never")
      let woken = Counter()
      let cancelled = session.delayed { () -> Int in
        try never.wait()
        return 0
      }
      let other = session.delayed { () -> Int in
        begun.open()
        do { try never.wait() } catch let error as MusterError where error.code == .cancelled { woken.enter() }
        return 1
      }
      let (first, both) = try session.persist(cancelled, session.delayed(cancelled, other) { $0 + $1 })
      begun.wait()
      try first.cancel()
      for _ in 0..<5000 where woken.inside == 0 { usleep(1000) }
      #expect(woken.inside == 1)
      await #expect { _ = try await both.compute() } throws: { ($0 as? MusterError)?.code == .cancelled }
    }
  }

  @Test func whatIsNotKeptCannotBeCancelled() async throws {
    try await Session.run(quiet(threads: 1)) { session in
      let value = session.delayed { 1 }
      #expect { try value.cancel() } throws: { ($0 as? MusterError)?.code == .invalidArgument }
      let kept = try value.persist()
      #expect { try session.delayed(kept) { $0 }.cancel() } throws: { ($0 as? MusterError)?.code == .invalidArgument }
      #expect(try await kept.compute() == 1)
    }
  }
}
