/// The identity of a task: the layer that it belongs to and its index in that layer. Eight bytes.
public struct TaskID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The sequence number of the layer in its graph.
  public var layer: UInt32
  /// The index of the task in its layer, from 0.
  public var index: UInt32

  /// The task with a layer's number and an index, both in `0 ..< 2^32`; higher bits are dropped.
  @inlinable
  public init(layer: Int, index: Int) {
    self.layer = UInt32(truncatingIfNeeded: layer)
    self.index = UInt32(truncatingIfNeeded: index)
  }

  /// By layer, then by index. Says nothing of the order in which tasks run.
  @inlinable
  public static func < (a: TaskID, b: TaskID) -> Bool {
    (a.layer, a.index) < (b.layer, b.index)
  }
}

extension TaskID: CustomStringConvertible {
  /// `2[17]`: the layer's number, then the index.
  public var description: String { "\(layer)[\(index)]" }
}
