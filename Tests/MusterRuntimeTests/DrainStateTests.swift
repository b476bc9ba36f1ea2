import MusterRuntime
import Testing

/// When a session leaves before its work is done.
@Suite struct DrainStateTests {
  private let second = 1_000_000_000

  @Test func aSignalStopsAtOnceAndLeavesWhenNothingRuns() {
    var state = DrainState(jobEnd: nil)
    #expect(state.look(at: 0, signal: nil, longestTask: 5 * second, isIdle: true) == nil)
    #expect(!state.isDraining)
    let signal = DrainState.Reason.signal("SIGUSR1")
    #expect(state.look(at: second, signal: signal, longestTask: 0, isIdle: false) == .stop(signal))
    #expect(state.isDraining)
    #expect(state.look(at: 2 * second, signal: signal, longestTask: 0, isIdle: false) == nil)
    // What the last task led to is waited for.
    #expect(state.look(at: 3 * second, signal: signal, longestTask: 0, isIdle: true) == nil)
    #expect(state.look(at: 3 * second + DrainState.pause - 1, signal: signal, longestTask: 0, isIdle: true) == nil)
    #expect(
      state.look(at: 3 * second + DrainState.pause, signal: signal, longestTask: 0, isIdle: true) == .leave(signal))
    // Once.
    #expect(state.look(at: 9 * second, signal: signal, longestTask: 0, isIdle: true) == nil)
  }

  @Test func aPauseBeginsAnewWhereSomethingRuns() {
    var state = DrainState(jobEnd: nil)
    _ = state.look(at: 0, signal: .signal("SIGUSR1"), longestTask: 0, isIdle: true)
    #expect(state.look(at: 1, signal: nil, longestTask: 0, isIdle: true) == nil)
    #expect(state.look(at: DrainState.pause, signal: nil, longestTask: 0, isIdle: false) == nil)
    #expect(state.look(at: DrainState.pause + 1, signal: nil, longestTask: 0, isIdle: true) == nil)
    #expect(
      state.look(at: 2 * DrainState.pause + 1, signal: nil, longestTask: 0, isIdle: true)
        == .leave(.signal("SIGUSR1")))
  }

  @Test func tasksThatTakeTooLongAreDropped() {
    for (jobEnd, limit) in [(nil, DrainState.patience), (40 * second, 40 * second - DrainState.reserve)] {
      var state = DrainState(jobEnd: jobEnd)
      _ = state.look(at: 0, signal: .signal("SIGUSR1"), longestTask: 0, isIdle: false)
      #expect(state.look(at: limit - 1, signal: nil, longestTask: 0, isIdle: false) == nil)
      #expect(
        state.look(at: limit, signal: nil, longestTask: 0, isIdle: false) == .leave(.signal("SIGUSR1")))
    }
  }

  @Test func terminationLeavesLittleTimeAlsoInADrain() {
    var state = DrainState(jobEnd: 3600 * second)
    _ = state.look(at: 0, signal: .signal("SIGUSR1"), longestTask: 0, isIdle: false)
    #expect(state.look(at: second, signal: .termination, longestTask: 0, isIdle: false) == nil)
    // It's told again and again, and the time runs from the first one on.
    #expect(
      state.look(at: second + DrainState.lastPatience - 1, signal: .termination, longestTask: 0, isIdle: false) == nil)
    #expect(
      state.look(at: second + DrainState.lastPatience, signal: .termination, longestTask: 0, isIdle: false)
        == .leave(.termination))
  }

  @Test func noTaskBeginsThatWouldNotEndInTime() {
    let last = 100 * second - DrainState.reserve
    var state = DrainState(jobEnd: 100 * second)
    #expect(state.look(at: last - 20 * second, signal: nil, longestTask: 19 * second, isIdle: false) == nil)
    #expect(state.look(at: last - 19 * second, signal: nil, longestTask: 19 * second, isIdle: false) == .stop(.jobEnd))
    // Where none has ended yet nobody knows how long they take.
    var early = DrainState(jobEnd: 100 * second)
    #expect(early.look(at: last - 1, signal: nil, longestTask: 0, isIdle: false) == nil)
    #expect(early.look(at: last, signal: nil, longestTask: 0, isIdle: false) == .stop(.jobEnd))
    #expect(early.look(at: last, signal: nil, longestTask: 0, isIdle: false) == .leave(.jobEnd))
  }

  @Test func signalsHaveTheirNames() {
    #expect(DrainSignal.number("USR1") == DrainSignal.number("SIGUSR1"))
    #expect(DrainSignal.number("usr2") != nil)
    #expect(DrainSignal.number("USR3") == nil && DrainSignal.number("") == nil)
  }
}
