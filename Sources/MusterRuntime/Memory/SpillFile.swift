internal import CLinux
internal import Glibc
internal import Synchronization

/// One scratch file, which has no name once it is open, read and written past the page cache where its file system can.
///
/// Past the page cache, since that would hold in memory what was written to free memory, and counts towards the control
/// group's limit. It is faster too: 1 GiB on a virtual disk took 0.6 s, through the cache with a sync at the end 5 to 12.
final class SpillFile: Sendable {
  /// Where it was made.
  let path: String
  private let number: Int32
  private let isDirect: Atomic<Bool>

  /// What one call writes or reads, but for larger parts. A gigabyte took the same time by 4, 8, 16 and 32 MiB.
  private static let callSize = 16 << 20
  private static let mostParts = 1024

  /// - Throws: `MusterError`, where the file can't be made.
  init(path: String) throws(MusterError) {
    self.path = path
    var number = clinux_open_direct(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    // File systems in memory refuse, among others. Some have made the file by then.
    let refused = number < 0 && errno == EINVAL
    if refused { number = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600) }
    isDirect = Atomic(!refused)
    guard number >= 0 else { throw MusterError(scratch: "make a file", path, number: errno) }
    // Its space is the disk's again when the process goes, however that ends.
    unlink(path)
    self.number = number
  }

  deinit { close(number) }

  /// What is copied at a time of memory that isn't whole pages.
  private static let copySize = 4 << 20

  /// Writes parts one after the other.
  func write(_ parts: [SpillRecord.Part], at offset: Int) throws(MusterError) {
    var offset = offset
    var pending: [iovec] = []
    var copy: SpillRecord.Pages?
    var copied = 0
    func writePending() throws(MusterError) {
      guard !pending.isEmpty else { return }
      try writePages(pending, at: offset)
      offset += pending.reduce(0) { $0 + $1.iov_len }
      (pending, copied) = ([], 0)
    }
    for part in parts {
      guard part.isCopied else {
        pending.append(iovec(iov_base: part.bytes, iov_len: part.byteCount))
        continue
      }
      let pages = copy ?? SpillRecord.Pages(byteCount: Self.copySize)
      copy = pages
      var start = 0
      while start < part.byteCount {
        let count = min(pages.byteCount - copied, part.byteCount - start)
        let size = SpillRecord.padded(count)
        let target = pages.bytes + copied
        target.copyMemory(from: part.bytes + start, byteCount: count)
        // The end of the last page is no one's, and goes to disk.
        memset(target + count, 0, size - count)
        pending.append(iovec(iov_base: target, iov_len: size))
        start += count
        copied += size
        if copied == pages.byteCount { try writePending() }
      }
    }
    try writePending()
    withExtendedLifetime(copy) {}
  }

  private func writePages(_ parts: [iovec], at offset: Int) throws(MusterError) {
    try transfer(parts, at: offset, action: "write", zeroMeans: ENOSPC, clinux_write_parts)
  }

  /// Fills parts of whole pages. The file is as long as what was written: one that ends earlier has been cut.
  func read(_ parts: [iovec], at offset: Int) throws(MusterError) {
    try transfer(parts, at: offset, action: "read", zeroMeans: EIO, clinux_read_parts)
  }

  private func transfer(
    _ parts: [iovec], at offset: Int, action: String, zeroMeans: Int32,
    _ call: (Int32, UnsafePointer<iovec>?, Int32, Int) -> Int
  ) throws(MusterError) {
    var (parts, offset, next) = (parts, offset, 0)
    while next < parts.count {
      var (count, size) = (0, 0)
      while next + count < parts.count, count < Self.mostParts {
        size += parts[next + count].iov_len
        guard count == 0 || size <= Self.callSize else { break }
        count += 1
      }
      // Safe: the parts are memory of the caller's, which lives as long as the call.
      var done = parts.withUnsafeBufferPointer { call(number, $0.baseAddress! + next, Int32(count), offset) }
      let isDirect = isDirect.load(ordering: .relaxed)
      if done < 0 && errno == EINTR { continue }
      if isDirect && (done < 0 && errno == EINVAL || (1..<SpillRecord.page).contains(done)) {
        // The file system wants more of addresses than whole pages, or has left off within one.
        leaveDirect()
        continue
      }
      guard done > 0 else {
        let total = parts[next...].reduce(0) { $0 + $1.iov_len }
        throw MusterError(scratch: action, path, number: done == 0 ? zeroMeans : errno, bytes: total)
      }
      // The next call has to begin at a page again.
      if isDirect { done &= ~(SpillRecord.page - 1) }
      offset += done
      while done > 0 {
        let length = parts[next].iov_len
        if done < length {
          parts[next].iov_base += done
          parts[next].iov_len -= done
          break
        }
        done -= length
        next += 1
      }
    }
  }

  private func leaveDirect() {
    isDirect.store(false, ordering: .relaxed)
    _ = clinux_leave_direct(number)
  }

  /// Gives space back. Where the file system can't, it comes back with the file.
  func punch(offset: Int, byteCount: Int) { _ = clinux_punch_hole(number, offset, byteCount) }

  /// Empties the file.
  func truncate() { _ = ftruncate(number, 0) }
}
