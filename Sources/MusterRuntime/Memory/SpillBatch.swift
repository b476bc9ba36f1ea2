/// Blocks that are written in one sequence: those with pages of their own, then the small ones in bundles.
package struct SpillBatch {
  private enum Kind {
    /// With pages of its own.
    case record(offset: Int)
    case bundled(bundle: Int, offset: Int)
  }
  private struct Entry {
    var kind: Kind
    var byteCount: Int
    var headerSize: Int
    var segmentSizes: [Int]
    var isCopied: Bool
  }

  private var entries: [Entry] = []
  private var records: [SpillRecord] = []
  private var recordBytes = 0
  private var bundles: [SpillBundle] = []
  /// What isn't written from the blocks' own memory.
  package private(set) var copiedBytes = 0

  package init() {}

  var isEmpty: Bool { entries.isEmpty }
  var byteCount: Int { bundles.reduce(recordBytes) { $0 + $1.byteCount } }
  /// One after the other on disk. Valid as long as the batch lives.
  var parts: [SpillRecord.Part] {
    records.flatMap(\.parts)
      + bundles.map { SpillRecord.Part(bytes: $0.pages.bytes, byteCount: $0.byteCount, isCopied: false) }
  }

  /// - Throws: `MusterError` with code `unsupported`, where the block's type can't be encoded. The batch is as before then.
  package mutating func append(_ block: any Block) throws(MusterError) {
    let encoded = try SpillEncoding(block)
    let kind: Kind
    let byteCount: Int
    if encoded.isSmall {
      let offset = appendSmall(encoded)
      byteCount = encoded.smallBytes
      copiedBytes += byteCount
      kind = .bundled(bundle: bundles.count - 1, offset: offset)
    } else {
      let record = SpillRecord(encoded)
      records.append(record)
      byteCount = record.byteCount
      kind = .record(offset: recordBytes)
      recordBytes += byteCount
      copiedBytes += record.copiedBytes
    }
    entries.append(
      Entry(
        kind: kind, byteCount: byteCount, headerSize: encoded.headerSize, segmentSizes: encoded.segmentSizes,
        isCopied: !encoded.isSmall && CodingRoom.isNeeded(copying: encoded.copiedBytes, of: byteCount)))
  }

  private mutating func appendSmall(_ encoded: SpillEncoding) -> Int {
    if !bundles.isEmpty, let offset = bundles[bundles.count - 1].append(encoded) { return offset }
    var new = SpillBundle()
    // There is room for one in an empty bundle.
    let offset = new.append(encoded)!
    bundles.append(new)
    return offset
  }

  /// What the bundles hold, with the batch at a place: where each begins, its length, and how many blocks are in it.
  func bundles(at start: Int) -> [(offset: Int, byteCount: Int, count: Int)] {
    var offset = start + recordBytes
    return bundles.map { bundle in
      defer { offset += bundle.byteCount }
      return (offset, bundle.byteCount, bundle.count)
    }
  }

  /// Where each block lies, in the order in which they were appended, with the batch at a place.
  func places(file: Int, at start: Int) -> [SpillPlace] {
    let starts = bundles(at: start).map(\.offset)
    return entries.map { entry in
      var place = SpillPlace(
        file: file, offset: start, byteCount: entry.byteCount, headerSize: entry.headerSize,
        segmentSizes: entry.segmentSizes, isCopied: entry.isCopied)
      switch entry.kind {
      case .record(let offset): place.offset += offset
      case .bundled(let bundle, let offset):
        place.offset = starts[bundle] + offset
        place.bundle = starts[bundle]
      }
      return place
    }
  }
}
