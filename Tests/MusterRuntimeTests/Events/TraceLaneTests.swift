import Foundation
import MusterRuntime
import MusterScheduling
import Synchronization
import Testing

/// An event whose parts all say the same number.
private func event(_ number: Int) -> TraceEvent {
  TraceEvent(
    .task, time: number, duration: number, bytes: number, task: TaskID(layer: number, index: number),
    peer: Int32(number), handling: number)
}

private func isWhole(_ event: TraceEvent) -> Bool {
  let number = event.time
  return event.kind == .task && event.duration == number && event.bytes == number
    && event.task == TaskID(layer: number, index: number)
    && event.peer == Int32(number) && event.handling == number
}

struct TraceLaneTests {
  private func lane(_ capacity: Int) -> TraceLane {
    TraceLane(recorder: 0, rank: 5, number: 3, name: "thread", capacity: capacity)
  }

  @Test func aRecordHas56Bytes() {
    #expect(MemoryLayout<TraceEvent>.size == 56 && MemoryLayout<TraceEvent>.stride == 56)
    // As docs/events.md says.
    let offsets = [
      MemoryLayout<TraceEvent>.offset(of: \.time), MemoryLayout<TraceEvent>.offset(of: \.duration),
      MemoryLayout<TraceEvent>.offset(of: \.bytes), MemoryLayout<TraceEvent>.offset(of: \.handling),
      MemoryLayout<TraceEvent>.offset(of: \.task), MemoryLayout<TraceEvent>.offset(of: \.rank),
      MemoryLayout<TraceEvent>.offset(of: \.peer),
      MemoryLayout<TraceEvent>.offset(of: \.attempt), MemoryLayout<TraceEvent>.offset(of: \.thread),
    ]
    #expect(offsets == [0, 8, 16, 24, 32, 40, 44, 48, 50])
  }

  @Test func keepsWhatFits() {
    let lane = lane(8)
    for number in 0..<8 { lane.append(event(number)) }
    let (first, events) = lane.events(from: 0, limit: 100)
    #expect(first == 0 && events.map(\.time) == Array(0..<8))
    #expect(lane.recorded == 8 && lane.lost == 0)
    #expect(events.allSatisfy { isWhole($0) && $0.rank == 5 && $0.thread == 3 })
  }

  @Test func overwritesTheOldestAndCountsThem() {
    let lane = lane(8)
    for number in 0..<21 { lane.append(event(number)) }
    let (first, events) = lane.events(from: 0, limit: 100)
    #expect(first == 13 && events.map(\.time) == Array(13..<21))
    #expect(lane.recorded == 21 && lane.lost == 13)
  }

  @Test func givesBatches() {
    let lane = lane(16)
    for number in 0..<20 { lane.append(event(number)) }
    var (next, times) = (0, [Int]())
    while true {
      let (first, events) = lane.events(from: next, limit: 5)
      if events.isEmpty { break }
      #expect(events.count <= 5)
      times += events.map(\.time)
      next = first + events.count
    }
    #expect(times == Array(4..<20))
  }

  @Test(arguments: [(1, 1), (2, 2), (3, 4), (1000, 1024)])
  func capacitiesArePowersOfTwo(asked: Int, given: Int) {
    #expect(lane(asked).capacity == given)
  }

  /// The ring goes round thousands of times while it is read: what is read is whole, in order, and never there twice.
  @Test func aReaderSeesWholeEventsOnly() {
    let lane = lane(64)
    let total = 300_000
    let isDone = Atomic<Bool>(false)
    let writer = Thread {
      for number in 0..<total { lane.append(event(number)) }
      isDone.store(true, ordering: .releasing)
    }
    writer.start()
    var last = -1
    var next = 0
    var seen = 0
    while true {
      let wasDone = isDone.load(ordering: .acquiring)
      let (first, events) = lane.events(from: next, limit: 100)
      for (offset, event) in events.enumerated() {
        guard isWhole(event), event.time == first + offset, event.time > last else {
          Issue.record("event \(first + offset) came as \(event), after \(last)")
          return
        }
        last = event.time
      }
      seen += events.count
      next = first + events.count
      if wasDone && events.isEmpty { break }
    }
    #expect(last == total - 1 && lane.recorded == total)
    #expect(seen >= 64)
  }
}

struct TraceRecorderTests {
  /// Runs `body` on as many threads at once, and waits for all.
  private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let left = DispatchSemaphore(value: 0)
    for number in 0..<count {
      Thread {
        body(number)
        left.signal()
      }.start()
    }
    for _ in 0..<count { left.wait() }
  }

  @Test func eachThreadHasALaneOfItsOwn() {
    let recorder = TraceRecorder(rank: 2, capacity: 1 << 14)
    let start = Atomic<Int>(0)
    onThreads(24) { thread in
      // All are there before the first ends: else a thread may take over the lane of one that has ended.
      start.add(1, ordering: .relaxed)
      while start.load(ordering: .relaxed) < 24 { usleep(100) }
      for index in 0..<2000 {
        recorder.ran(
          TaskID(layer: thread, index: index), attempt: 1, begin: index, end: index + 1, bytes: thread)
      }
    }
    let lanes = recorder.lanes
    #expect(lanes.count == 24)
    #expect(Set(lanes.map(\.number)) == Set(0..<24))
    var threads: Set<UInt32> = []
    for lane in lanes {
      let events = lane.events(from: 0, limit: .max).events
      #expect(events.map(\.task.index) == Array(0..<2000))
      #expect(Set(events.map(\.task.layer)).count == 1 && events.allSatisfy { $0.rank == 2 && $0.kind == .task })
      threads.insert(events[0].task.layer)
    }
    #expect(threads == Set(0..<24))
  }

  @Test func manyThreadsLoseTheOldestOnly() {
    let recorder = TraceRecorder(rank: 0, capacity: 256)
    onThreads(16) { thread in
      for index in 0..<5000 {
        recorder.ran(TaskID(layer: thread, index: index), attempt: 1, begin: 0, end: 1, bytes: nil)
      }
    }
    #expect(recorder.lanes.reduce(0) { $0 + $1.recorded } == 16 * 5000)
    for lane in recorder.lanes {
      let events = lane.events(from: 0, limit: .max).events
      #expect(events.count == 256 && lane.lost == lane.recorded - 256)
      #expect(events.last?.task.index == 4999 && events.allSatisfy { $0.kind == .failedTask })
    }
  }

  /// As where one thread calls sessions in turn: no event goes astray.
  @Test func recordersOfTheSameThreadStayApart() {
    let recorders = (0..<3).map { TraceRecorder(rank: $0, capacity: 512) }
    onThreads(1) { _ in
      for index in 0..<300 {
        let recorder = recorders[index % 3]
        recorder.ran(TaskID(layer: 0, index: index), attempt: 1, begin: 0, end: 1, bytes: 8)
      }
    }
    for (number, recorder) in recorders.enumerated() {
      let lane = recorder.lanes.first
      #expect(recorder.lanes.count == 1)
      #expect(lane?.events(from: 0, limit: .max).events.map { Int($0.task.index) } == (0..<100).map { 3 * $0 + number })
    }
  }

  @Test func memoryIsToldOnceAMillisecond() {
    let recorder = TraceRecorder(rank: 0)
    for time in stride(from: 5_000_000, to: 8_000_000, by: 100_000) { recorder.holds(time, at: time) }
    let events = recorder.lanes.first?.events(from: 0, limit: .max).events ?? []
    #expect(events.map(\.time) == [5_000_000, 6_000_000, 7_000_000])
    #expect(events.map(\.bytes) == events.map(\.time) && events.allSatisfy { $0.kind == .memory })
  }

  @Test func namesOfTheOldestLayersAreForgotten() {
    func layer(_ name: String) -> Layer {
      Layer(name: name, count: 1, yielding: EmptyBlock.self, inputs: { _, _ in }, run: { _ in EmptyBlock() })
    }
    var layers = TraceLayers(capacity: 7)
    for graph in 0..<4 { layers.register((0..<3).map { layer("g\(graph)-\($0)") }, from: 10 * graph) }
    func name(_ layer: Int) -> String? { layers.name(of: TaskID(layer: layer, index: 9)) }
    #expect(name(32) == "g3-2" && name(20) == "g2-0" && name(12) == "g1-2")
    #expect(name(11) == nil && name(0) == nil && name(33) == nil && name(29) == nil)
    #expect(layers.entries.map(\.name) == ["g1-2", "g2-0", "g2-1", "g2-2", "g3-0", "g3-1", "g3-2"])
    // The last graph's are kept, however many.
    layers.register((0..<9).map { layer("g4-\($0)") }, from: 40)
    #expect(layers.entries.map(\.layer) == Array(40..<49) && name(32) == nil)
    for number in 100..<5000 { layers.register([layer("\(number)")], from: number) }
    #expect(layers.entries.map(\.layer) == Array(4993..<5000) && name(4993) == "4993" && name(4992) == nil)
  }
}
