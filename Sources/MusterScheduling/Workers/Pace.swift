/// How long tasks take: those of a layer, of all layers of a kind, or of a worker.
struct Pace: Sendable {
  /// After the first of a graph's layers, whatever was known before says no more than so many tasks would.
  private static let remembered = 16
  private static let briefNanoseconds = 200_000

  private(set) var samples = 0
  private var runningMean = 0

  /// A running mean of the tasks' duration, in nanoseconds, 1 or more; nil before the first.
  var mean: Int? { samples == 0 ? nil : runningMean }

  /// Whether a task is expected to take less than what several messages take.
  var isBrief: Bool { samples > 0 && runningMean < Self.briefNanoseconds }

  mutating func sample(_ nanoseconds: Int) {
    let duration = max(1, nanoseconds)
    runningMean = samples == 0 ? duration : max(1, runningMean + (duration - runningMean) / 8)
    samples += 1
  }

  /// A new graph has tasks of the kind, which may be others.
  mutating func startAnew() { samples = min(samples, Self.remembered) }
}
