import Glibc
import MusterRuntime
import MusterScheduling
import Synchronization
import Testing

/// How many blocks there are, and the most that there were.
private final class Census: Sendable {
  private let count = Atomic(0)
  private let most = Atomic(0)
  func born() { most.max(count.add(1, ordering: .relaxed).newValue, ordering: .relaxed) }
  func died() { count.subtract(1, ordering: .relaxed) }
  var now: Int { count.load(ordering: .relaxed) }
  var peak: Int { most.load(ordering: .relaxed) }
}

/// A block that says it holds a megabyte, and is counted while it lives.
private struct Megabyte: Block {
  final class Life: Sendable {
    let census: Census?
    init(_ census: Census?) {
      self.census = census
      census?.born()
    }
    deinit { census?.died() }
  }
  var life: Life
  var byteCount: Int { 1 << 20 }
  func encode(into encoder: inout BlockEncoder) {}
  static func decode(from decoder: inout BlockDecoder) throws -> Megabyte { Megabyte(life: Life(nil)) }
}

/// Each step of a sum takes one more block; the steps are slow, and others could make blocks meanwhile.
private func slowSum(of steps: Int, _ census: Census) -> Plan {
  var plan = Plan()
  let made = plan.add(
    Layer(name: "make", count: steps, yielding: Megabyte.self, expectedBytes: 1 << 20, inputs: { _, _ in }) { _ in
      Megabyte(life: Megabyte.Life(census))
    })
  for step in 0..<steps {
    let layer = made + 1 + step
    _ = plan.add(
      Layer(
        name: "add", count: 1, yielding: EmptyBlock.self,
        inputs: { _, into in
          into.append(TaskID(layer: made, index: step))
          if step > 0 { into.append(TaskID(layer: layer - 1, index: 0)) }
        },
        run: { _ in
          var time = timespec(tv_sec: 0, tv_nsec: 500_000)
          nanosleep(&time, nil)
          return EmptyBlock()
        }))
  }
  plan.results = [TaskID(layer: made + steps, index: 0)]
  return plan
}

struct MemoryTests {
  private func peak(memoryLimit: Int) async throws -> Int {
    let census = Census()
    let configuration = SessionConfiguration(
      backend: .threads, threads: 3, progress: SessionConfiguration.Progress.none, memoryLimit: memoryLimit)
    _ = try await Session.run(configuration) { try await $0.compute(slowSum(of: 300, census)) }
    #expect(census.now == 0)
    return census.peak
  }

  @Test func threadsStayWithinTheLimit() async throws {
    // The mark is 16 MiB; what is released lives until a thread drops it.
    #expect(try await peak(memoryLimit: 20 << 20) <= 24)
    #expect(try await peak(memoryLimit: 20 << 30) > 40)
  }

  /// What the program needs no more makes room at once, though every thread runs a task that takes long.
  @Test func whatIsLetGoOfLeavesWhileTasksRun() async throws {
    let configuration = SessionConfiguration(
      backend: .threads, threads: 1, progress: SessionConfiguration.Progress.none, memoryLimit: 100 << 20)
    try await Session.run(configuration) { session in
      let (census, begun, gate) = (Census(), Gate(), Gate())
      defer { gate.open() }
      var kept: Future<Megabyte>? = try session.submit { Megabyte(life: Megabyte.Life(census)) }
      _ = try await kept?.status()
      let long = try session.submit {
        begun.open()
        gate.wait()
      }
      begun.wait()
      #expect(census.now == 1)
      kept = nil
      for _ in 0..<500 where census.now > 0 { usleep(10_000) }
      #expect(census.now == 0)
      gate.open()
      try await long.value()
    }
  }

  /// In a process of its own: the allocator is the process's.
  @Test func aSessionSetsTheLimitAndGivesBackWhatWasKept() async {
    await #expect(processExitsWith: .success) {
      let quiet = SessionConfiguration.Progress.none
      try await Session.run(SessionConfiguration(threads: 2, progress: quiet, memoryLimit: 1 << 30)) { _ in
        precondition(BlockAllocator.shared.memoryLimit == 1 << 30)
        withExtendedLifetime(BlockStorage(byteCount: 8 << 20)) {}
        precondition(BlockAllocator.shared.keptBytes == 8 << 20)
      }
      precondition(BlockAllocator.shared.keptBytes == 0)
      // Where nothing is set, the machine or its control group says.
      try await Session.run(SessionConfiguration(threads: 2, progress: quiet)) { _ in
        let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        precondition((1...machine * 8 / 10).contains(BlockAllocator.shared.memoryLimit))
        precondition(BlockAllocator.shared.memoryLimit != 1 << 30)
      }
    }
  }

  @Test func theLimitIsASetting() throws {
    func limit(_ text: String) throws -> Int? {
      try SessionConfiguration().resolved(with: ["MUSTER_MEMORY_LIMIT": text]).memoryLimit
    }
    #expect(try limit("1048576") == 1 << 20)
    #expect(try limit("64k") == 64 << 10)
    #expect(try limit("512M") == 512 << 20)
    #expect(try limit("8G") == 8 << 30)
    #expect(try limit("2T") == 2 << 40)
    #expect(try limit("8 GB") == 8_000_000_000)
    #expect(try limit("") == nil)
    for text in ["0", "-1", "G", "8 GBs", "9999999999T"] {
      let error = #expect(throws: MusterError.self) { try limit(text) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains("MUSTER_MEMORY_LIMIT is '\(text)'") == true)
    }
    let environment = ["MUSTER_MEMORY_LIMIT": "8G"]
    #expect(try SessionConfiguration(memoryLimit: 5).resolved(with: environment).memoryLimit == 5)
    #expect(throws: MusterError.self) { try SessionConfiguration(memoryLimit: 0).resolved(with: [:]) }
  }
}
