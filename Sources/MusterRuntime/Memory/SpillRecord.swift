internal import CLinux
internal import Glibc

/// A block as it goes to disk with pages of its own: a head of everything small, then each large part, all of whole pages,
/// so that the disk reads and writes the blocks' own memory.
struct SpillRecord {
  /// What file systems want of addresses, places and lengths that bypass the page cache, at the most.
  static let page = 4096
  /// Parts up to this go into the head. What is larger has whole pages, as `BlockAllocator` gives them.
  static let smallPart = 64 << 10

  static func padded(_ byteCount: Int) -> Int { (byteCount + page - 1) & ~(page - 1) }

  /// Memory that begins at a page.
  final class Pages {
    let bytes: UnsafeMutableRawPointer
    let byteCount: Int
    init(byteCount: Int) {
      self.byteCount = max(SpillRecord.page, SpillRecord.padded(byteCount))
      bytes = .allocate(byteCount: self.byteCount, alignment: SpillRecord.page)
    }
    deinit { bytes.deallocate() }
  }

  /// A part of what is written. Valid as long as the record lives.
  struct Part {
    let bytes: UnsafeMutableRawPointer
    let byteCount: Int
    /// It isn't whole pages in memory, as it will be on disk: it's copied as it's written, a little at a time.
    let isCopied: Bool

    /// On disk.
    var paddedCount: Int { SpillRecord.padded(byteCount) }
  }

  /// Keeps the memory that `parts` point to.
  private let owners: [AnyObject]
  /// One after the other on disk.
  let parts: [Part]
  let byteCount: Int
  /// What of that isn't the block's own memory.
  let copiedBytes: Int

  /// A block that is to be written.
  init(_ encoded: SpillEncoding) {
    let head = Pages(byteCount: encoded.smallBytes)
    encoded.copySmall(to: head.bytes)
    // What lies between the end of the head's contents and of its page is no one's: it isn't read.
    memset(head.bytes + encoded.smallBytes, 0, head.byteCount - encoded.smallBytes)
    var owners: [AnyObject] = [head]
    var parts = [Part(bytes: head.bytes, byteCount: head.byteCount, isCopied: false)]
    for segment in encoded.large {
      let source = segment.storage.bytes + segment.offset
      let size = Self.padded(segment.byteCount)
      let isPages =
        UInt(bitPattern: source) % UInt(Self.page) == 0 && segment.offset + size <= segment.storage.capacity
      owners.append(segment.storage)
      parts.append(Part(bytes: source, byteCount: isPages ? size : segment.byteCount, isCopied: !isPages))
    }
    self.owners = owners
    self.parts = parts
    copiedBytes = head.byteCount + encoded.copiedBytes
    byteCount = parts.reduce(0) { $0 + $1.paddedCount }
  }

  static func headSize(headerSize: Int, segmentSizes: [Int]) -> Int {
    segmentSizes.reduce(headerSize) { $0 + ($1 <= smallPart ? $1 : 0) }
  }

  // MARK: Reading

  /// The memory that a block is read into, and what becomes of it.
  struct Arriving {
    private let head: Pages
    private let storages: [BlockStorage]
    private let place: SpillPlace
    /// Where the block begins in the first page: 0 but in a bundle.
    private let start: Int
    let parts: [iovec]
    /// Where the parts lie in the file.
    var offset: Int { place.offset - start }
    var byteCount: Int { parts.reduce(0) { $0 + $1.iov_len } }

    /// - Throws: `MusterError` with code `outOfMemory`.
    init(_ place: SpillPlace) throws(MusterError) {
      self.place = place
      start = place.offset % page
      head = Pages(byteCount: start + headSize(headerSize: place.headerSize, segmentSizes: place.segmentSizes))
      var storages: [BlockStorage] = []
      var parts = [iovec(iov_base: head.bytes, iov_len: head.byteCount)]
      for size in place.segmentSizes {
        let storage = try BlockStorage(allocating: size, for: "a block that is read back from disk")
        storages.append(storage)
        if size > smallPart {
          precondition(padded(size) <= storage.capacity, "block memory isn't of whole pages")
          parts.append(iovec(iov_base: storage.bytes, iov_len: padded(size)))
        }
      }
      self.storages = storages
      self.parts = parts
    }

    /// The block, once the parts are filled.
    func block(as type: any Block.Type) throws -> any Block {
      let header = Array(UnsafeRawBufferPointer(start: head.bytes + start, count: place.headerSize))
      var position = start + place.headerSize
      for (storage, size) in zip(storages, place.segmentSizes) where size <= smallPart {
        storage.bytes.copyMemory(from: head.bytes + position, byteCount: size)
        position += size
      }
      var decoder = BlockDecoder(header: header, storages: storages, isLast: true)
      return try type.decode(from: &decoder)
    }
  }
}
