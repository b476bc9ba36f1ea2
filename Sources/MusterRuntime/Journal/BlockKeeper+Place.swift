internal import MusterJournal

extension BlockKeeper {
  /// Where a block is.
  struct Place {
    var file: String
    var offset: UInt64
    var headerCount: UInt32
    var sizes: [Int]
    var checksum: UInt32
  }
}

extension BlockKeeper.Place {
  /// What begins the bytes of such a place, and no other's.
  private static let tag = [UInt8]("kept block".utf8)

  /// Whether the file has blocks of other values, too.
  var isShared: Bool { file.hasPrefix(BlockKeeper.sharedStart) }

  /// Where the block ends.
  var end: UInt64 { offset + UInt64(headerCount) + sizes.reduce(0) { $0 + UInt64($1) } }

  var bytes: [UInt8] {
    var encoder = RecordEncoder()
    encoder.put(raw: Self.tag)
    encoder.put(file)
    encoder.put(offset)
    encoder.put(headerCount)
    encoder.put(checksum)
    encoder.put(UInt32(sizes.count))
    for size in sizes { encoder.put(size) }
    return encoder.bytes
  }

  init?(_ bytes: [UInt8]) {
    guard bytes.starts(with: Self.tag) else { return nil }
    var decoder = RecordDecoder(bytes[Self.tag.count...])
    do throws(JournalFault) {
      file = try decoder.getText()
      offset = try decoder.get()
      headerCount = try decoder.get()
      checksum = try decoder.get()
      sizes = []
      for _ in 0..<(try decoder.getCount(8)) {
        let size = try decoder.get(Int.self)
        guard size >= 0 else { return nil }
        sizes.append(size)
      }
    } catch { return nil }
  }
}
