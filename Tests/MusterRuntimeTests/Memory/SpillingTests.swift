import Foundation
import MusterRuntime
import MusterScheduling
import Testing

/// A block of real memory, filled with its number.
private struct Filled: Block {
  var storage: BlockStorage
  var byteCount: Int { storage.byteCount }
  init(_ number: Int, byteCount: Int) {
    storage = BlockStorage(byteCount: byteCount)
    for place in 0..<byteCount / 8 {
      storage.bytes.storeBytes(of: number + place, toByteOffset: 8 * place, as: Int.self)
    }
  }
  init(storage: BlockStorage) { self.storage = storage }
  func encode(into encoder: inout BlockEncoder) { encoder.append(storage, byteCount: byteCount) }
  static func decode(from decoder: inout BlockDecoder) throws -> Filled { Filled(storage: try decoder.readStorage()) }
  /// Its number, where all of it is as it was.
  var number: Int? {
    let first = storage.bytes.load(as: Int.self)
    let isWhole = (0..<byteCount / 8).allSatisfy {
      storage.bytes.load(fromByteOffset: 8 * $0, as: Int.self) == first + $0
    }
    return isWhole ? first : nil
  }
}

private struct Sum: Block {
  var value: Int
  var byteCount: Int { 8 }
  func encode(into encoder: inout BlockEncoder) { encoder.append(value) }
  static func decode(from decoder: inout BlockDecoder) throws -> Sum { Sum(value: try decoder.read(Int.self)) }
}

/// Blocks that are all made before any is taken, since each of the tasks that take them needs them all... but one at a
/// time: two passes over the data, with a step between that waits for the whole first pass.
private func twoPasses(blocks: Int, byteCount: Int) -> Plan {
  var plan = Plan()
  let made = plan.add(
    Layer(name: "make", count: blocks, yielding: Filled.self, expectedBytes: byteCount, inputs: { _, _ in }) {
      Filled(1000 * $0.index, byteCount: byteCount)
    })
  let first = plan.add(
    Layer(
      name: "first", count: blocks, yielding: Sum.self,
      inputs: { index, inputs in inputs.append(TaskID(layer: made, index: index)) },
      run: { Sum(value: $0.block(0, as: Filled.self).number ?? -1 << 40) }))
  let total = plan.add(
    Layer(
      name: "total", count: 1, yielding: Sum.self,
      inputs: { _, inputs in inputs += (0..<blocks).map { TaskID(layer: first, index: $0) } },
      run: { task in Sum(value: (0..<blocks).reduce(0) { $0 + task.block($1, as: Sum.self).value }) }))
  let second = plan.add(
    Layer(
      name: "second", count: blocks, yielding: Sum.self,
      inputs: { index, inputs in
        inputs += [TaskID(layer: made, index: index), TaskID(layer: total, index: 0)]
      },
      run: { Sum(value: ($0.block(0, as: Filled.self).number ?? -1 << 40) + $0.block(1, as: Sum.self).value) }))
  plan.results = (0..<blocks).map { TaskID(layer: second, index: $0) }
  return plan
}

private func configuration(limit: Int, backend: SessionConfiguration.Backend = .threads) -> SessionConfiguration {
  SessionConfiguration(
    backend: backend, threads: 2, progress: SessionConfiguration.Progress.none, memoryLimit: limit)
}

private let mega = 1 << 20

/// The most that this process has held. What `getrusage` says begins with that of the process that started it.
private func residentPeak() throws -> Int {
  let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
  return 1024 * (line.flatMap { Int($0.filter(\.isNumber)) } ?? .max / 1024)
}

struct SpillingTests {
  /// In a process of its own, whose memory is looked at, with a working set of four times the limit.
  @Test(.plainMemory, arguments: ["threads", "synchronous"])
  func aWorkingSetOfFourLimitsStaysWithin(_ name: String) async throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    await #expect(processExitsWith: .success) { [name = name as String, path = parent.path as String] in
      setenv("MUSTER_SCRATCH", path, 1)
      let backend = SessionConfiguration.Backend(rawValue: name)!
      let baseline = ProcessMemory.resident?.total ?? 0
      let blocks = try await Session.run(configuration(limit: 128 * mega, backend: backend)) {
        try await $0.compute(twoPasses(blocks: 128, byteCount: 4 * mega))
      }
      let total = 1000 * 128 * 127 / 2
      for (index, block) in blocks.enumerated() {
        precondition((block as? Sum)?.value == 1000 * index + total, "block \(index)")
      }
      let peak = try residentPeak()
      // All blocks together are 512 MiB.
      precondition(peak < 128 * mega, "\(peak / mega) MiB, \(baseline / mega) of them before")
      let left = try FileManager.default.contentsOfDirectory(atPath: path)
      precondition(left.isEmpty, "\(left)")
    }
  }

  /// So does one of small blocks, nearly: what `malloc` keeps between small blocks is known only when it is resident.
  @Test(.plainMemory, arguments: ["threads", "synchronous"])
  func smallBlocksStayWithinTheLimitToo(_ name: String) async throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    await #expect(processExitsWith: .success) { [name = name as String, path = parent.path as String] in
      setenv("MUSTER_SCRATCH", path, 1)
      let backend = SessionConfiguration.Backend(rawValue: name)!
      let count = 32 << 10
      let blocks = try await Session.run(configuration(limit: 160 * mega, backend: backend)) {
        try await $0.compute(twoPasses(blocks: count, byteCount: 8 << 10))
      }
      let total = 1000 * count * (count - 1) / 2
      for (index, block) in blocks.enumerated() {
        precondition((block as? Sum)?.value == 1000 * index + total, "block \(index)")
      }
      precondition(SpillTraffic.counts.written > 64 * mega, "\(SpillTraffic.counts.written / mega) MiB")
      // All blocks together are 256 MiB, and with what is known of the tasks more than 300.
      let peak = try residentPeak()
      precondition(peak < 160 * mega, "\(peak / mega) MiB")
    }
  }

  @Test(arguments: [SessionConfiguration.Backend.threads, .synchronous])
  func tinyBlocksBeyondTheLimitAreAnError(_ backend: SessionConfiguration.Backend) async throws {
    let error = await #expect(throws: MusterError.self) {
      try await Session.run(configuration(limit: 32 * mega, backend: backend)) { session in
        var plan = Plan()
        let made = plan.add(
          Layer(name: "make", count: 80 << 10, yielding: Filled.self, inputs: { _, _ in }) {
            Filled($0.index, byteCount: 512)
          })
        plan.results = (0..<80 << 10).map { TaskID(layer: made, index: $0) }
        _ = try await session.compute(plan)
      }
    }
    #expect(error?.code == .outOfMemory && error?.task?.operation == "make")
    #expect(error?.message.contains("blocks of less than 1.0 KiB") == true)
    #expect(error?.fix.contains("larger chunks") == true)
  }

  /// Results that don't fit in memory beside each other go to disk, and come back for the program.
  @Test(arguments: [SessionConfiguration.Backend.threads, .synchronous])
  func resultsComeBackFromDisk(_ backend: SessionConfiguration.Backend) async throws {
    let before = SpillTraffic.counts.read
    let blocks = try await Session.run(configuration(limit: 64 * mega, backend: backend)) { session in
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 64, yielding: Filled.self, expectedBytes: 2 * mega, inputs: { _, _ in }) {
          Filled(1000 * $0.index, byteCount: 2 * mega)
        })
      plan.results = (0..<64).map { TaskID(layer: made, index: $0) }
      return try await session.compute(plan)
    }
    #expect(blocks.map { ($0 as? Filled)?.number } == (0..<64).map { 1000 * $0 })
    #expect(SpillTraffic.counts.read - before > 32 * mega)
  }

  @Test func aTaskThatCannotFitFailsBeforeItStarts() async throws {
    let error = await #expect(throws: MusterError.self) {
      try await Session.run(configuration(limit: 64 * mega)) { session in
        var plan = Plan()
        let made = plan.add(
          Layer(name: "make", count: 8, yielding: Filled.self, expectedBytes: 10 * mega, inputs: { _, _ in }) {
            Filled($0.index, byteCount: 10 * mega)
          })
        let joined = plan.add(
          Layer(
            name: "join", count: 1, yielding: Sum.self,
            inputs: { _, inputs in inputs += (0..<8).map { TaskID(layer: made, index: $0) } },
            run: { _ in
              Issue.record("it ran")
              return Sum(value: 0)
            }))
        plan.results = [TaskID(layer: joined, index: 0)]
        _ = try await session.compute(plan)
      }
    }
    #expect(error?.code == .outOfMemory && error?.task?.operation == "join")
    #expect(error?.message.contains("80.0 MiB") == true && error?.message.contains("64.0 MiB") == true)
  }

  /// In a process of its own, which is small: what it takes itself no task can have.
  @Test(.plainMemory) func aTaskHasNoneOfTheProgramsMemory() async {
    await #expect(processExitsWith: .success) {
      do {
        _ = try await Session.run(configuration(limit: 256 * mega)) { session in
          var plan = Plan()
          let made = plan.add(
            Layer(name: "make", count: 1, yielding: Filled.self, expectedBytes: 252 * mega, inputs: { _, _ in }) { _ in
              preconditionFailure("it ran")
            })
          plan.results = [TaskID(layer: made, index: 0)]
          _ = try await session.compute(plan)
        }
        preconditionFailure("252 MiB and the program fit into 256")
      } catch let error as MusterError {
        let said = ["task make[0] can't fit", "memory limit is 256.0 MiB", "; the program takes "]
        precondition(error.code == .outOfMemory && said.allSatisfy(error.message.contains), "\(error)")
      }
    }
  }

  /// In a process of its own: the setting is the process's.
  @Test func aScratchFolderThatCannotBeUsedIsAnErrorAndNoHang() async {
    await #expect(processExitsWith: .success) {
      setenv("MUSTER_SCRATCH", "/nowhere", 1)
      do {
        _ = try await Session.run(configuration(limit: 64 * mega)) {
          try await $0.compute(twoPasses(blocks: 64, byteCount: 4 * mega))
        }
        preconditionFailure("256 MiB went into 64")
      } catch let error as MusterError {
        precondition(error.code == .fileNotFound && error.message.contains("/nowhere"), "\(error)")
      }
    }
  }
}
