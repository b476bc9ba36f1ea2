/// How long tasks take on a worker's threads: what decides how many a thread takes at a time. A value, kept under the
/// worker's lock.
package struct TaskPace {
  /// What a thread takes at a time is meant to be about this much work.
  private static let batchNanoseconds = 20_000
  private static let largestBatch = 128
  /// A task that takes as long is long for one that was taken with others.
  static let longNanoseconds = 10 * batchNanoseconds
  /// A layer with more tasks than these is not taken for like the others before one of them has ended.
  private static let smallLayer = 8

  /// Running means of a task's time, of all tasks and by layer.
  private var mean = TaskPace.batchNanoseconds
  private var layers: [UInt32: Int] = [:]

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

  /// Tasks that were taken together have ended.
  ///
  /// - Parameters:
  ///   - layer: the layer of all of them; nil where they are of several.
  ///   - layerCount: its tasks.
  package mutating func ended(_ count: Int, of layer: UInt32?, layerCount: Int, nanoseconds: Int) {
    guard count > 0 else { return }
    let each = nanoseconds / count
    mean += (each - mean) / 8
    guard let layer, layerCount > Self.smallLayer else { return }
    if let known = layers[layer] { layers[layer] = known + (each - known) / 8 } else { layers[layer] = each }
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
