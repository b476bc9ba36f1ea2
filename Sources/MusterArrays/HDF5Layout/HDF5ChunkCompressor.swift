import CDeflate
import MusterRuntime

/// Compresses the parts of blocks as the filters of the HDF5 library do ("HDF5 Filters", shuffle and deflate), outside of
/// its lock. For one thread at a time.
struct HDF5ChunkCompressor: ~Copyable {
  private let storage: HDF5ChunkedStorage
  private let elementByteCount: Int
  private let byteCount: Int
  private let compressor: OpaquePointer
  // A chunk as it is, shuffled, and compressed.
  private let plain: BlockStorage
  private let shuffled: BlockStorage?
  private let compressed: BlockStorage

  /// - Throws: `outOfMemory`.
  init(_ storage: HDF5ChunkedStorage, of elementType: ElementType) throws(MusterError) {
    let byteCount = storage.byteCount(of: elementType)
    let isShuffled = storage.shuffle && elementType.byteCount > 1
    let plain = try BlockStorage(allocating: byteCount, for: "a chunk to compress")
    let shuffled = isShuffled ? try BlockStorage(allocating: byteCount, for: "a chunk to compress") : nil
    let compressed = try BlockStorage(allocating: byteCount, for: "a compressed chunk")
    guard let compressor = cdeflate_create_compressor(Int32(storage.level)) else {
      throw MusterError(outOfMemoryFor: "compressing", byteCount: nil)
    }
    self.storage = storage
    self.byteCount = byteCount
    elementByteCount = elementType.byteCount
    (self.plain, self.shuffled, self.compressed) = (plain, shuffled, compressed)
    self.compressor = compressor
  }

  deinit { cdeflate_free_compressor(compressor) }

  /// What a chunk of a block is in the file; valid until the next call. As many bytes as the chunk has where they aren't
  /// compressed: no compressed chunk has.
  ///
  /// - Parameters:
  ///   - origin: where the chunk begins in the block; its end may be beyond the block's.
  func chunk(of block: AnyNDArray, at origin: [Int]) -> UnsafeRawBufferPointer {
    gather(block, origin)
    var source = plain.bytes
    if let shuffled {
      ByteShuffle.apply(plain.bytes, to: shuffled.bytes, count: byteCount / elementByteCount, of: elementByteCount)
      source = shuffled.bytes
    }
    let size = cdeflate_compress(compressor, source, byteCount, compressed.bytes, byteCount - 1)
    return size == 0
      ? UnsafeRawBufferPointer(start: source, count: byteCount)
      : UnsafeRawBufferPointer(start: compressed.bytes, count: size)
  }

  private func gather(_ block: AnyNDArray, _ origin: [Int]) {
    let extent = block.shape.indices.map { min(storage.chunkShape[$0], block.shape[$0] - origin[$0]) }
    let rows = RegionRuns(shape: block.shape, origin: origin, extent: extent, elementByteCount: elementByteCount)
    guard extent != storage.chunkShape else {
      rows.visitRuns { (plain.bytes + $1).copyMemory(from: block.storage.bytes + $0, byteCount: rows.byteCount) }
      return
    }
    // What is beyond the array's end nobody sees.
    plain.bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    let places = RegionRuns(
      shape: storage.chunkShape, origin: extent.map { _ in 0 }, extent: extent, elementByteCount: elementByteCount)
    // Both go through the same elements in the same order, in runs of their own lengths.
    var targets: [Int] = []
    places.visitRuns { target, _ in targets.append(target) }
    rows.visitRuns { from, first in
      var done = 0
      while done < rows.byteCount {
        let (run, within) = (first + done).quotientAndRemainder(dividingBy: places.byteCount)
        let count = min(rows.byteCount - done, places.byteCount - within)
        (plain.bytes + targets[run] + within).copyMemory(from: block.storage.bytes + from + done, byteCount: count)
        done += count
      }
    }
  }
}

/// HDF5's filter "shuffle": bytes of the same significance together.
enum ByteShuffle {
  /// Elements that fit into the first cache together with what becomes of them.
  private static let tile = 1024

  /// Puts the first bytes of all elements first, then the second ones, and so on.
  static func apply(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int, of size: Int) {
    for first in stride(from: 0, to: count, by: tile) {
      let end = min(first + tile, count)
      for byte in 0..<size {
        var from = source + first * size + byte
        let row = target + byte * count
        for element in first..<end {
          row.storeBytes(of: from.load(as: UInt8.self), toByteOffset: element, as: UInt8.self)
          from += size
        }
      }
    }
  }
}
