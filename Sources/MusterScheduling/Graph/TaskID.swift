/// The identity of a task: the layer that it belongs to and its index in that layer. Eight bytes.
public struct TaskID: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The sequence number of the layer in its graph.
  public var layer: UInt32
  /// The index of the task in its layer, from 0.
  public var index: UInt32

  @inlinable
  public init(layer: Int, index: Int) {
    self.layer = UInt32(truncatingIfNeeded: layer)
    self.index = UInt32(truncatingIfNeeded: index)
  }

  @inlinable
  public static func < (a: TaskID, b: TaskID) -> Bool {
    (a.layer, a.index) < (b.layer, b.index)
  }
}

extension TaskID: CustomStringConvertible {
  public var description: String { "\(layer)[\(index)]" }
}
