import Foundation
import MusterRuntime
import MusterScheduling
import Synchronization
import Testing

private let mega = 1 << 20

/// A block whose first one the disk loses, and whose writing takes its time where it is asked for.
private struct Awkward: Block {
  static let encoding = Atomic<Int>(0)
  static let delay = Atomic<UInt32>(0)

  var number: Int
  var storage: BlockStorage
  var byteCount: Int { storage.byteCount }

  init(_ number: Int, byteCount: Int) {
    self.number = number
    storage = BlockStorage(byteCount: byteCount)
    memset(storage.bytes, 1, byteCount)
  }
  func encode(into encoder: inout BlockEncoder) {
    Self.encoding.add(1, ordering: .relaxed)
    usleep(Self.delay.load(ordering: .relaxed))
    encoder.append(number)
    encoder.append(storage, byteCount: byteCount)
  }
  static func decode(from decoder: inout BlockDecoder) throws -> Awkward {
    let number = try decoder.read(Int.self)
    if number == 0 { throw MusterError(.inputOutput, "the disk has lost it") }
    var block = Awkward(number, byteCount: 0)
    block.storage = try decoder.readStorage()
    return block
  }
}

private func configuration(_ backend: SessionConfiguration.Backend = .threads, limit: Int = 64 * mega)
  -> SessionConfiguration
{
  SessionConfiguration(
    backend: backend, threads: 2, progress: SessionConfiguration.Progress.none, memoryLimit: limit)
}

private func plan(_ range: Range<Int>, byteCount: Int) -> Plan {
  var plan = Plan()
  let made = plan.add(
    Layer(name: "make", count: range.count, yielding: Awkward.self, inputs: { _, _ in }) {
      Awkward(range.lowerBound + $0.index, byteCount: byteCount)
    })
  plan.results = range.indices.map { TaskID(layer: made, index: $0 - range.lowerBound) }
  return plan
}

private func waitUntil(_ condition: () -> Bool) async -> Bool {
  for _ in 0..<3000 {
    if condition() { return true }
    try? await Task.sleep(for: .milliseconds(10))
  }
  return false
}

/// What is on disk where its session goes on, and ends. Each in a process of its own: the folder is the process's setting.
struct SpilledFuturesTests {
  @Test func aDroppedHandleFreesItsSpaceOnDisk() async throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    await #expect(processExitsWith: .success) { [path = parent.path as String] in
      setenv("MUSTER_SCRATCH", path, 1)
      try await Session.run(configuration()) { session in
        var futures = try session.map(Array(0..<64)) { [Int](repeating: $0, count: 2 * mega / 8) }
        for try await _ in session.asCompleted(futures) {}
        // Two thirds and more aren't in memory.
        let isWritten = await waitUntil { OpenScratch.bytes(in: path) > 64 * mega }
        precondition(isWritten, "\(OpenScratch.bytes(in: path))")
        futures.removeSubrange(1...)
        let isFreed = await waitUntil { OpenScratch.bytes(in: path) <= 2 * mega + 8192 }
        precondition(isFreed, "\(OpenScratch.bytes(in: path))")
        let value = try await futures[0].value()
        precondition(value == [Int](repeating: 0, count: 2 * mega / 8))
      }
      precondition(OpenScratch.bytes(in: path) == 0)
    }
  }

  /// What is also on disk makes room for what the program asks for, where all threads run a task that takes long.
  @Test func blocksMakeRoomWhileAllThreadsWork() async throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    await #expect(processExitsWith: .success) { [path = parent.path as String] in
      setenv("MUSTER_SCRATCH", path, 1)
      // Where nothing leaves nobody else would end this.
      alarm(60)
      var threadsOnly = configuration()
      threadsOnly.threads = 1
      try await Session.run(threadsOnly) { session in
        let futures = try session.map(Array(0..<48)) { [Int](repeating: $0, count: 2 * mega / 8) }
        func look() async throws {
          // So many at a time that there is no room for them beside what rests in memory.
          for first in stride(from: 0, to: 48, by: 16) {
            let values = try await session.gather(Array(futures[first..<first + 16]))
            precondition(values == (first..<first + 16).map { [Int](repeating: $0, count: 2 * mega / 8) })
          }
        }
        // From now on memory is full of blocks that are on disk, too.
        for _ in 0..<2 { try await look() }
        let (hasBegun, mayEnd) = (Gate(), Gate())
        let long = try session.submit { () -> Int in
          hasBegun.open()
          mayEnd.wait()
          return 7
        }
        hasBegun.wait()
        let before = SpillTraffic.counts.read
        for _ in 0..<2 { try await look() }
        precondition(SpillTraffic.counts.read - before > 64 * mega, "\(SpillTraffic.counts.read - before)")
        mayEnd.open()
        let value = try await long.value()
        precondition(value == 7)
      }
      precondition(OpenScratch.bytes(in: path) == 0)
    }
  }

  @Test(arguments: ["threads", "synchronous"])
  func aBlockThatTheDiskLosesFailsWhoReadsItAndNobodyElse(_ name: String) async throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    await #expect(processExitsWith: .success) { [name = name as String, path = parent.path as String] in
      setenv("MUSTER_SCRATCH", path, 1)
      try await Session.run(configuration(SessionConfiguration.Backend(rawValue: name)!)) { session in
        do {
          // The first is the oldest, and leaves first.
          _ = try await session.compute(plan(0..<64, byteCount: 2 * mega))
          preconditionFailure("what was lost came back")
        } catch let error as MusterError {
          precondition(error.code == .inputOutput && error.message.contains("lost"), "\(error)")
        }
        let others = try await session.compute(plan(1..<65, byteCount: 2 * mega))
        precondition(others.map { ($0 as? Awkward)?.number } == Array(1..<65))
      }
      precondition(OpenScratch.bytes(in: path) == 0)
    }
  }

  @Test func aSessionEndsWhileBlocksAreWritten() async throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    await #expect(processExitsWith: .success) { [path = parent.path as String] in
      setenv("MUSTER_SCRATCH", path, 1)
      Awkward.delay.store(300_000, ordering: .relaxed)
      try await Session.run(configuration()) { session in
        let futures = try session.map(Array(0..<64)) { Awkward($0, byteCount: 2 * mega) }
        let isWriting = await waitUntil { Awkward.encoding.load(ordering: .relaxed) > 0 }
        precondition(isWriting)
        withExtendedLifetime(futures) {}
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: path)
      precondition(left.isEmpty, "\(left)")
      // The next one is as the first.
      Awkward.delay.store(0, ordering: .relaxed)
      let blocks = try await Session.run(configuration()) { session in
        try await session.compute(plan(1..<65, byteCount: 2 * mega))
      }
      precondition(blocks.map { ($0 as? Awkward)?.number } == Array(1..<65))
    }
  }
}
