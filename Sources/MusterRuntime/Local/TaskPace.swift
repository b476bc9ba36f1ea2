/// How long tasks take on a worker's threads, and for how long its lock is held for each: what decides how many tasks a
/// thread takes at a time, and how many threads have something to do. A value, kept under that lock.
package struct TaskPace {
  /// What a thread takes at a time is meant to be about this much work.
  private static let batchNanoseconds = 20_000
  private static let largestBatch = 32
  /// A task that takes as long is long for one that was taken with others.
  static let longNanoseconds = 10 * batchNanoseconds
  /// A layer with more tasks than these is not taken for like the others before one of them has ended.
  private static let smallLayer = 8

  /// Running means of a task's time, of all tasks and by layer.
  private var mean = TaskPace.batchNanoseconds
  private var layers: [UInt32: Int] = [:]
  /// A running mean of the time under the lock, for a task.
  private var locked = 0

  package init() {}

  /// How many tasks of a layer a thread is to take at a time.
  ///
  /// - Parameters:
  ///   - layerCount: the layer's tasks.
  ///   - share: how many it may take at most, so that the others find some.
  package func batchSize(of layer: UInt32, layerCount: Int, share: Int) -> Int {
    let expected = layers[layer] ?? (layerCount > Self.smallLayer ? Self.batchNanoseconds : mean)
    return max(1, min(share, Self.largestBatch, Self.batchNanoseconds / max(1, expected)))
  }

  /// How many threads have something to do: with more of them, all but those wait for the lock.
  package var usefulThreads: Int {
    guard locked > 0 else { return .max }
    return 1 + (mean + 2 * locked / 3) / locked
  }

  /// Tasks that were taken together have ended.
  package mutating func ended(_ count: Int, of layer: UInt32?, nanoseconds: Int) {
    guard count > 0 else { return }
    let each = nanoseconds / count
    mean += (each - mean) / 8
    guard let layer else { return }
    if let known = layers[layer] { layers[layer] = known + (each - known) / 8 } else { layers[layer] = each }
  }

  /// The lock was held for as long while tasks were told of and others taken.
  package mutating func held(nanoseconds: Int, for count: Int) {
    guard count > 0 else { return }
    let each = nanoseconds / count
    locked = locked == 0 ? each : locked + (each - locked) / 8
  }

  /// Layers have ended.
  package mutating func forget(_ ended: Range<Int>) {
    guard !layers.isEmpty else { return }
    if ended.count > layers.count {
      layers = layers.filter { !ended.contains(Int($0.key)) }
    } else {
      for layer in ended { layers[UInt32(layer)] = nil }
    }
  }
}
