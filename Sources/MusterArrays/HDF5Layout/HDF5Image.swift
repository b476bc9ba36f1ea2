import CHDF5
import MusterRuntime

/// What the library writes of a file besides elements, put together in memory: it needn't be in the file at any moment
/// between two whole states.
///
/// A class, since the library holds on to it meanwhile; used with the library's lock held.
final class HDF5Image {
  private static let pageByteCount = 64 << 10

  private var pages: [Int: [UInt8]] = [:]
  private var written = RangeSet<Int>()
  /// Stands for the bytes of a chunk that is being stored, which others write: where they go is what is asked for.
  private let absent: BlockStorage
  private var absentOffset: Int?
  /// How long the file is, once it is closed.
  private(set) var byteCount = 0

  /// - Parameter mostChunkBytes: the size of the largest chunk that will be stored.
  /// - Throws: `outOfMemory`.
  init(mostChunkBytes: Int) throws(MusterError) { absent = try BlockStorage(allocating: max(1, mostChunkBytes)) }

  /// Has a file that is created with some properties of access kept here. The image has to outlive the file.
  func keep(_ access: chdf5_id) -> Int32 {
    var storage = chdf5_storage(
      context: Unmanaged.passUnretained(self).toOpaque(),
      read: { context, offset, bytes, count in
        Unmanaged<HDF5Image>.fromOpaque(context!).takeUnretainedValue().read(Int(offset), bytes, count)
        return 0
      },
      write: { context, offset, bytes, count in
        Unmanaged<HDF5Image>.fromOpaque(context!).takeUnretainedValue().write(Int(offset), bytes, count)
        return 0
      },
      truncate: { context, end in
        Unmanaged<HDF5Image>.fromOpaque(context!).takeUnretainedValue().byteCount = Int(end)
        return 0
      })
    return chdf5_set_storage(access, &storage)
  }

  /// Where the library puts a chunk of so many bytes; nil where it fails.
  func place(ofChunkAt origin: [UInt64], byteCount: Int, filterMask: UInt32, in dataset: chdf5_id) -> Int? {
    absentOffset = nil
    guard chdf5_write_chunk(dataset, filterMask, origin, byteCount, absent.bytes) >= 0 else { return nil }
    return absentOffset
  }

  /// Calls the body with all that was written, in the order of its place in the file.
  func visit(_ body: (_ offset: Int, _ bytes: UnsafeRawBufferPointer) throws -> Void) rethrows {
    for range in written.ranges {
      try visitPages(range.lowerBound, range.count) { page, within, done, count in
        try pages[page]!.withUnsafeBytes { bytes in
          try body(range.lowerBound + done, UnsafeRawBufferPointer(rebasing: bytes[within..<within + count]))
        }
      }
    }
  }

  private func write(_ offset: Int, _ bytes: UnsafeRawPointer, _ count: Int) {
    if bytes == UnsafeRawPointer(absent.bytes) {
      absentOffset = offset
      return
    }
    visitPages(offset, count) { page, within, done, count in
      pages[page, default: [UInt8](repeating: 0, count: Self.pageByteCount)].withUnsafeMutableBytes {
        ($0.baseAddress! + within).copyMemory(from: bytes + done, byteCount: count)
      }
    }
    written.insert(contentsOf: offset..<offset + count)
  }

  private func read(_ offset: Int, _ target: UnsafeMutableRawPointer, _ count: Int) {
    visitPages(offset, count) { page, within, done, count in
      if let bytes = pages[page] {
        bytes.withUnsafeBytes { (target + done).copyMemory(from: $0.baseAddress! + within, byteCount: count) }
      } else {
        (target + done).initializeMemory(as: UInt8.self, repeating: 0, count: count)
      }
    }
  }

  private func visitPages(
    _ offset: Int, _ count: Int, _ body: (_ page: Int, _ within: Int, _ done: Int, _ count: Int) throws -> Void
  ) rethrows {
    var done = 0
    while done < count {
      let (page, within) = (offset + done).quotientAndRemainder(dividingBy: Self.pageByteCount)
      let part = min(count - done, Self.pageByteCount - within)
      try body(page, within, done, part)
      done += part
    }
  }
}
