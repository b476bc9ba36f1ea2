import MusterRuntime
import Testing

private let second = 1_000_000_000

struct HeartbeatTests {
  /// Ticks every 10 ms, with rank 1 heard each second until `end` and rank 2 always; what came of it, with the time.
  private func run(
    _ heartbeat: inout Heartbeat, from start: Int, to end: Int, heard: (Int) -> [Int]
  ) -> [(time: Int, action: Heartbeat.Action)] {
    var result: [(time: Int, action: Heartbeat.Action)] = []
    for time in stride(from: start, to: end, by: second / 100) {
      if time % second == 0 { for rank in heard(time) { heartbeat.heard(from: rank) } }
      result += heartbeat.tick(now: time).map { (time, $0) }
    }
    return result
  }

  @Test func beatsComeEachInterval() {
    var heartbeat = Heartbeat(peers: 1..<3, interval: second, patience: 5 * second, now: 0)
    let actions = run(&heartbeat, from: 0, to: 20 * second) { _ in [1, 2] }
    #expect(actions.allSatisfy { $0.action == .beat })
    #expect((18...20).contains(actions.count))
  }

  @Test func aSilentRankIsNamedOnceAfterThePatience() {
    var heartbeat = Heartbeat(peers: 1..<3, interval: second, patience: 5 * second, now: 0)
    let actions = run(&heartbeat, from: 0, to: 60 * second) { $0 <= 10 * second ? [1, 2] : [2] }
    let silences = actions.filter { $0.action != .beat }
    #expect(silences.map(\.action) == [.silent([1])])
    #expect(abs(silences[0].time - 15 * second) < second)
  }

  @Test func ranksThatStopTogetherAreNamedTogether() {
    var heartbeat = Heartbeat(peers: 1..<5, interval: second, patience: 5 * second, now: 0)
    let actions = run(&heartbeat, from: 0, to: 60 * second) { time in
      [1] + (time <= 9 * second ? [2] : []) + (time <= 10 * second ? [3] : []) + (time <= 13 * second ? [4] : [])
    }
    // Rank 3's last beat was just an interval after rank 2's; rank 4 was there until lately.
    let silences = actions.map(\.action).filter { $0 != .beat }
    #expect(silences == [.silent([2, 3])])
  }

  @Test func anotherRankThanThePeersIsNotListenedTo() {
    var heartbeat = Heartbeat(peers: 0..<1, interval: second, patience: 5 * second, now: 0)
    let actions = run(&heartbeat, from: 0, to: 20 * second) { _ in [1, 2] }
    #expect(actions.contains { $0.action == .silent([0]) })
  }

  /// This rank was stopped for an hour, as when a batch system suspends a job: the others were too.
  @Test func whoWasAwayDoesNotJudge() {
    var heartbeat = Heartbeat(peers: 1..<3, interval: second, patience: 5 * second, now: 0)
    var actions = run(&heartbeat, from: 0, to: 10 * second) { _ in [1, 2] }
    let later = 3600 * second
    actions += heartbeat.tick(now: later).map { (later, $0) }
    actions += run(&heartbeat, from: later, to: later + 10 * second) { _ in [1, 2] }
    #expect(actions.allSatisfy { $0.action == .beat })
  }

  @Test func withoutPatienceNobodyIsSilent() {
    var heartbeat = Heartbeat(peers: 1..<3, interval: second, patience: nil, now: 0)
    let actions = run(&heartbeat, from: 0, to: 100 * second) { _ in [] }
    #expect(!actions.isEmpty && actions.allSatisfy { $0.action == .beat })
  }

  @Test func settingsAreChecked() throws {
    let set = try SessionConfiguration().resolved(
      with: ["MUSTER_HEARTBEAT_INTERVAL": "0.5", "MUSTER_HEARTBEAT_PATIENCE": "2"])
    #expect(set.heartbeatInterval == .milliseconds(500) && set.heartbeatPatience == .seconds(2))
    _ = try SessionConfiguration().resolved(with: ["MUSTER_HEARTBEAT_PATIENCE": "0"])
    for wrong in [
      ["MUSTER_HEARTBEAT_INTERVAL": "0"], ["MUSTER_HEARTBEAT_INTERVAL": "often"], ["MUSTER_HEARTBEAT_PATIENCE": "-1"],
      ["MUSTER_HEARTBEAT_INTERVAL": "5", "MUSTER_HEARTBEAT_PATIENCE": "9"],
    ] {
      let error = #expect(throws: MusterError.self) { try SessionConfiguration().resolved(with: wrong) }
      #expect(error?.code == .invalidArgument && error?.description.contains("MUSTER_HEARTBEAT") == true)
    }
  }
}
