/// From a task's identity to its ordinal: an array for each layer, in pages that come into being when first written.
/// A layer of which little is needed costs little, and a lookup is a few loads.
///
/// A layer has a number, which never changes, and a slot: its place among the layers that are known now.
struct OrdinalMap: Sendable {
  private static let none = UInt32.max

  private struct LayerPages: Sendable {
    var number: UInt32
    var count: UInt32
    var firstPage: Int
    /// The binary logarithm of the page's number of entries: about a thousandth of the layer.
    var shift: UInt32
  }
  /// By slot; the numbers ascend.
  private var layers: ContiguousArray<LayerPages> = []
  /// Where each page begins in `entries`.
  private var pages: ContiguousArray<Int> = []
  private var entries: ContiguousArray<UInt32> = []

  var layerCount: Int { layers.count }
  /// The number of the last layer.
  var lastNumber: Int? { layers.last.map { Int($0.number) } }

  /// Adds a layer of `count` tasks, whose number is above those of all others. Its slot is the last.
  mutating func addLayer(number: Int, count: Int) {
    let bits = Int.bitWidth - count.leadingZeroBitCount
    let shift = min(14, max(4, bits - 10))
    layers.append(
      LayerPages(number: UInt32(number), count: UInt32(count), firstPage: pages.count, shift: UInt32(shift)))
    pages.append(contentsOf: repeatElement(-1, count: (count + (1 << shift) - 1) >> shift))
  }

  /// Forgets the layers from a slot on, and what was set for them. They are the last that were added, and nothing was
  /// set for a layer before them since.
  mutating func removeLayers(from slot: Int) {
    guard slot < layers.count else { return }
    let firstPage = layers[slot].firstPage
    if let firstEntry = pages[firstPage...].lazy.filter({ $0 >= 0 }).min() {
      entries.removeSubrange(firstEntry...)
    }
    pages.removeSubrange(firstPage...)
    layers.removeSubrange(slot...)
  }

  var byteCount: Int {
    layers.count * MemoryLayout<LayerPages>.stride + pages.count * MemoryLayout<Int>.stride
      + entries.count * MemoryLayout<UInt32>.stride
  }

  /// The slot of a layer, or nil where none has the number. Where numbers follow each other, as they mostly do, that
  /// takes one look; else a binary search.
  func slot(ofLayer number: UInt32) -> Int? {
    guard let first = layers.first?.number, let last = layers.last?.number, number >= first, number <= last else {
      return nil
    }
    let guess = Int(number - first)
    if guess < layers.count && layers[guess].number == number { return guess }
    let fromEnd = layers.count - 1 - Int(last - number)
    if fromEnd >= 0 && layers[fromEnd].number == number { return fromEnd }
    var range = 0..<layers.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if layers[middle].number == number { return middle }
      range = layers[middle].number < number ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }

  func number(ofSlot slot: Int) -> UInt32 { layers[slot].number }
  func count(ofSlot slot: Int) -> Int { Int(layers[slot].count) }

  /// Whether the layer and the index exist.
  func contains(_ id: TaskID) -> Bool {
    guard let slot = slot(ofLayer: id.layer) else { return false }
    return id.index < layers[slot].count
  }

  /// The ordinal, or nil where the task isn't part of what any result needs, or doesn't exist.
  subscript(id: TaskID) -> Int? {
    guard let slot = slot(ofLayer: id.layer), id.index < layers[slot].count else { return nil }
    let layer = layers[slot]
    let page = pages[layer.firstPage + Int(id.index >> layer.shift)]
    guard page >= 0 else { return nil }
    let entry = entries[page + Int(id.index & (1 << layer.shift - 1))]
    return entry == Self.none ? nil : Int(entry)
  }

  /// Precondition: the slot has such an index.
  mutating func set(slot: Int, index: UInt32, to ordinal: UInt32) {
    let layer = layers[slot]
    let number = layer.firstPage + Int(index >> layer.shift)
    if pages[number] < 0 {
      pages[number] = entries.count
      entries.append(contentsOf: repeatElement(Self.none, count: 1 << Int(layer.shift)))
    }
    entries[pages[number] + Int(index & (1 << layer.shift - 1))] = ordinal
  }
}
