/// A block's parts as its type gives them.
struct SpillEncoding {
  private let encoder: BlockEncoder
  let segmentSizes: [Int]
  /// What the header and the small parts take.
  let smallBytes: Int
  /// What its type has copied for this: memory besides the block's, until it's written.
  let copiedBytes: Int

  /// - Throws: `MusterError` with code `unsupported`, where its type can't be encoded.
  init(_ block: any Block) throws(MusterError) {
    var encoder = BlockEncoder()
    block.encode(into: &encoder)
    if let refusal = encoder.refusal {
      throw MusterError(.unsupported, "a block can't be written to disk: \(refusal)")
    }
    copiedBytes = encoder.copiedBytes()
    self.encoder = encoder
    segmentSizes = encoder.segments.map(\.byteCount)
    smallBytes = SpillRecord.headSize(headerSize: encoder.header.count, segmentSizes: segmentSizes)
  }

  var headerSize: Int { encoder.header.count }
  var large: some Sequence<BlockEncoder.Segment> {
    encoder.segments.lazy.filter { $0.byteCount > SpillRecord.smallPart }
  }
  /// Whether it goes into a bundle with others.
  var isSmall: Bool {
    smallBytes <= SpillBundle.largestBlock && segmentSizes.allSatisfy { $0 <= SpillRecord.smallPart }
  }

  /// Copies the header and the small parts to `smallBytes` bytes.
  func copySmall(to target: UnsafeMutableRawPointer) {
    encoder.header.withUnsafeBytes {
      if let base = $0.baseAddress { target.copyMemory(from: base, byteCount: $0.count) }
    }
    var end = headerSize
    for segment in encoder.segments where segment.byteCount <= SpillRecord.smallPart {
      (target + end).copyMemory(from: segment.storage.bytes + segment.offset, byteCount: segment.byteCount)
      end += segment.byteCount
    }
  }
}
