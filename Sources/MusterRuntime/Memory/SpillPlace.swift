/// Where a block lies on disk, and how it is cut there.
package struct SpillPlace: Hashable, Sendable {
  /// The number of the file, and the block's first byte and length in it.
  package var file: Int
  package var offset: Int
  package var byteCount: Int
  /// The length of what its type put into the encoder's header.
  package var headerSize: Int
  /// The lengths of its bulk parts.
  package var segmentSizes: [Int]
  /// Where the bundle of small blocks begins that it is one of; nil where it has pages of its own.
  package var bundle: Int?
  /// Most of it was copied to be written, and is when it's read.
  package var isCopied: Bool

  package init(
    file: Int, offset: Int, byteCount: Int, headerSize: Int, segmentSizes: [Int], bundle: Int? = nil,
    isCopied: Bool = false
  ) {
    self.file = file
    self.offset = offset
    self.byteCount = byteCount
    self.headerSize = headerSize
    self.segmentSizes = segmentSizes
    self.bundle = bundle
    self.isCopied = isCopied
  }
}
