/// From a task's identity to its ordinal: an array for each layer, in pages that come into being when first written.
/// A layer of which little is needed costs little, and a lookup is three loads.
struct OrdinalMap: Sendable {
  private static let none = UInt32.max

  private struct LayerPages: Sendable {
    var count: UInt32
    var firstPage: Int
    /// The binary logarithm of the page's number of entries: about a thousandth of the layer.
    var shift: UInt32
  }
  private var layers: ContiguousArray<LayerPages> = []
  /// Where each page begins in `entries`.
  private var pages: ContiguousArray<Int> = []
  private var entries: ContiguousArray<UInt32> = []

  init(counts: some Sequence<Int>) {
    var pageCount = 0
    for count in counts {
      let bits = Int.bitWidth - count.leadingZeroBitCount
      let shift = min(14, max(4, bits - 10))
      layers.append(LayerPages(count: UInt32(count), firstPage: pageCount, shift: UInt32(shift)))
      pageCount += (count + (1 << shift) - 1) >> shift
    }
    pages = ContiguousArray(repeating: -1, count: pageCount)
  }

  var byteCount: Int {
    layers.count * MemoryLayout<LayerPages>.stride + pages.count * MemoryLayout<Int>.stride
      + entries.count * MemoryLayout<UInt32>.stride
  }

  /// Whether the layer and the index exist in the graph.
  func contains(_ id: TaskID) -> Bool {
    Int(id.layer) < layers.count && id.index < layers[Int(id.layer)].count
  }

  /// The ordinal, or nil where the task isn't part of what the results need (or of the graph).
  subscript(id: TaskID) -> Int? {
    guard contains(id) else { return nil }
    let layer = layers[Int(id.layer)]
    let page = pages[layer.firstPage + Int(id.index >> layer.shift)]
    guard page >= 0 else { return nil }
    let entry = entries[page + Int(id.index & (1 << layer.shift - 1))]
    return entry == Self.none ? nil : Int(entry)
  }

  /// Precondition: the map contains the identity.
  mutating func set(_ id: TaskID, to ordinal: UInt32) {
    let layer = layers[Int(id.layer)]
    let number = layer.firstPage + Int(id.index >> layer.shift)
    if pages[number] < 0 {
      pages[number] = entries.count
      entries.append(contentsOf: repeatElement(Self.none, count: 1 << Int(layer.shift)))
    }
    entries[pages[number] + Int(id.index & (1 << layer.shift - 1))] = ordinal
  }
}
