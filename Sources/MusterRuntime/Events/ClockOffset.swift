/// How far another node's monotonic clock is ahead of rank 0's, from questions and answers between the two.
///
/// Of an answer only the time of the round trip is known, and that the other clock was read within it: the shortest
/// counts. Clocks drift, by a second in some hours where nothing keeps them: questions at the session's start and at
/// its end give a straight line.
package struct ClockOffset: Sendable {
  package enum Phase: Sendable {
    case start
    case end
  }

  private struct Sample {
    /// By how much the other clock was ahead, when, by rank 0's clock, and how long the round trip took.
    var offset: Int
    var time: Int
    var roundTrip: Int
  }

  private var start: Sample?
  private var end: Sample?

  package init() {}

  /// Takes an answer: asked at `asked` and back at `answered`, by rank 0's clock, when the other showed `clock`.
  package mutating func add(_ phase: Phase, asked: Int, clock: Int, answered: Int) {
    let middle = asked + (answered - asked) / 2
    let sample = Sample(offset: clock - middle, time: middle, roundTrip: answered - asked)
    switch phase {
    case .start: if sample.roundTrip < start?.roundTrip ?? .max { start = sample }
    case .end: if sample.roundTrip < end?.roundTrip ?? .max { end = sample }
    }
  }

  /// Half of the longer of the round trips that count, in nanoseconds: by so much may times be wrong. nil where nothing
  /// was measured.
  package var uncertainty: Int? {
    guard start != nil || end != nil else { return nil }
    return max(start?.roundTrip ?? 0, end?.roundTrip ?? 0) / 2
  }

  /// A time of the other clock, by rank 0's.
  package func aligned(_ time: Int) -> Int {
    guard let first = start ?? end else { return time }
    let ahead = first.offset
    guard let end, end.time > first.time else { return time - ahead }
    let share = Double(time - ahead - first.time) / Double(end.time - first.time)
    return time - ahead - Int((share * Double(end.offset - ahead)).rounded())
  }
}
