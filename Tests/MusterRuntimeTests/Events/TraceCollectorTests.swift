import MusterRuntime
import MusterScheduling
import Testing

struct ClockOffsetTests {
  @Test func theShortestRoundTripCounts() {
    var clock = ClockOffset()
    clock.add(.start, asked: 1000, clock: 9_999_999, answered: 9000)
    clock.add(.start, asked: 10_000, clock: 510_010, answered: 10_020)
    clock.add(.start, asked: 20_000, clock: 0, answered: 20_300)
    #expect(clock.uncertainty == 10)
    #expect(clock.aligned(510_010) == 10_010)
    #expect(clock.aligned(510_110) == 10_110)
  }

  /// A clock that gains a millisecond in a second, and is 7 s behind.
  @Test func driftIsTakenOut() {
    func other(_ time: Int) -> Int { time + time / 1000 - 7_000_000_000 }
    var clock = ClockOffset()
    let (start, end) = (2_000_000_000, 12_000_000_000)
    clock.add(.start, asked: start - 50, clock: other(start), answered: start + 50)
    clock.add(.end, asked: end - 50, clock: other(end), answered: end + 50)
    for time in stride(from: start, through: end, by: 1_000_000_000) {
      // Over the time between two questions the line is off by the drift of the drift: a millionth of it.
      #expect(abs(clock.aligned(other(time)) - time) < 12_000)
    }
  }

  @Test func aClockThatWasNotAskedIsLeftAsItIs() {
    #expect(ClockOffset().aligned(77) == 77 && ClockOffset().uncertainty == nil)
  }
}

struct TraceCollectorTests {
  private typealias Action = TraceCollector.Action

  /// Two ranks on rank 0's node and one, number 2, on another whose clock is a second ahead.
  @Test func asksClocksOfOtherNodesAndEventsOfOneRankAtATime() {
    var collector = TraceCollector(nodes: [0, 0, 2, 0])
    var actions: [Action] = []
    collector.begin(now: 100, into: &actions)
    #expect(actions == [.send(.clockWanted(asked: 100), to: 2)])
    var now = 100
    func answerClocks(_ actions: inout [Action]) {
      for _ in 0..<TraceCollector.questions {
        guard case .send(.clockWanted(let asked), to: 2) = actions.first else {
          Issue.record("instead of a question came \(actions)")
          return
        }
        actions.removeAll()
        now += 40
        collector.receive(.clock(asked: asked, clock: asked + 20 + 1_000_000_000), from: 2, now: now, into: &actions)
      }
    }
    answerClocks(&actions)
    #expect(actions.isEmpty && !collector.isDone)

    now = 5000
    collector.gather(now: now, into: &actions)
    #expect(actions == [.send(.eventsWanted, to: 1)])
    actions.removeAll()
    collector.gather(now: now, into: &actions)
    #expect(actions.isEmpty)
    let event = TraceEvent(.task, time: 300, duration: 50)
    let lane = TraceLaneInfo(number: 0, name: "a", recorded: 1, lost: 0)
    for message in [TraceMessage.lane(lane), .events([event]), .done] {
      collector.receive(message, from: 1, now: now, into: &actions)
    }
    #expect(actions.prefix(3) == [.lane(lane, rank: 1), .events([event]), .rankDone(1, uncertainty: nil)])
    actions.removeFirst(3)
    answerClocks(&actions)
    #expect(actions == [.send(.eventsWanted, to: 2)])
    actions.removeAll()
    var far = event
    far.time += 1_000_000_000
    collector.receive(.events([far]), from: 2, now: now, into: &actions)
    collector.receive(.done, from: 2, now: now, into: &actions)
    #expect(actions == [.events([event]), .rankDone(2, uncertainty: 20), .send(.eventsWanted, to: 3)])
    #expect(!collector.isDone)
    collector.receive(.done, from: 3, now: now, into: &actions)
    #expect(collector.isDone)
  }

  @Test func aRankAnswersWithItsLanes() {
    let recorder = TraceRecorder(rank: 1, capacity: 4)
    for index in 0..<6 {
      recorder.ran(TaskID(layer: 0, index: index), attempt: 1, begin: 0, end: 1, bytes: 8)
    }
    var sent: [TraceMessage] = []
    recorder.answer(.clockWanted(asked: 5), now: 9) { sent.append($0) }
    #expect(sent == [.clock(asked: 5, clock: 9)])
    sent.removeAll()
    recorder.answer(.eventsWanted, now: 9) { sent.append($0) }
    guard case .lane(let lane) = sent.first, case .events(let events) = sent.dropFirst().first else {
      Issue.record("it answered \(sent)")
      return
    }
    #expect(lane.recorded == 6 && lane.lost == 2 && events.map(\.task.index) == [2, 3, 4, 5])
    #expect(sent.last == .done && sent.count == 3)
  }
}
