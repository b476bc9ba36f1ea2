internal import Glibc

/// Reads the records of a journal one after the other, through a buffer: what it holds in memory is one record's head.
///
/// Not `Sendable`: for one thread at a time.
package final class JournalReader {
  /// A record with where its bulk begins in the file.
  package struct Entry {
    package var record: JournalRecord
    /// Where the record begins in the file.
    package var start: UInt64
    package var bulkStart: UInt64
    package var bulkBytes: UInt64
    package var bulkChecksum: UInt32
    /// Where the next one begins.
    package var end: UInt64 { bulkStart + bulkBytes }
  }

  private let file: Int32
  /// Up to where the file is read.
  package let length: UInt64
  /// Where the next record begins.
  package private(set) var position: UInt64
  private var buffer: [UInt8] = []
  private var bufferStart: UInt64 = 0
  private static let bufferSize = 1 << 18

  /// Opens a journal.
  ///
  /// - Parameter length: up to where to read; nil for all of the file.
  /// - Throws: `missing`, `system`; `foreign` and `version` where the file isn't a journal of this version.
  package init(path: String, length: UInt64? = nil) throws(JournalFault) {
    file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw errno == ENOENT || errno == ENOTDIR ? .missing : .system(errno) }
    var status = stat()
    // The rest of the variables is set before anything throws: `deinit` closes the file.
    let found = fstat(file, &status) == 0 ? UInt64(max(0, status.st_size)) : 0
    self.length = min(length ?? found, found)
    position = 0
    let preamble = try bytes(at: 0, count: JournalRecord.preamble.count)
    guard preamble.prefix(8).elementsEqual(JournalRecord.preamble.prefix(8)) else { throw .foreign }
    var decoder = RecordDecoder(preamble.dropFirst(8))
    let version: UInt32 = try decoder.get()
    guard version == JournalRecord.version else { throw .version(version) }
    position = UInt64(JournalRecord.preamble.count)
  }

  deinit { if file >= 0 { close(file) } }

  /// The next record; nil at the end, and where what follows is no whole record: what was being written when the program,
  /// or the machine, stopped. The bulk isn't looked at.
  ///
  /// - Throws: `system` where reading fails.
  package func next() throws(JournalFault) -> Entry? {
    let frameEnd = position + UInt64(RecordFrame.byteCount)
    guard frameEnd <= length else { return nil }
    guard let frame = RecordFrame(try bytes(at: position, count: RecordFrame.byteCount)) else { return nil }
    guard frameEnd + UInt64(frame.headBytes) + frame.bulkBytes <= length else { return nil }
    let head = try bytes(at: frameEnd, count: Int(frame.headBytes))
    guard frame.checksum(of: head) == frame.headChecksum else { return nil }
    guard let record = try? JournalRecord(kind: frame.kind, head: head) else { return nil }
    let entry = Entry(
      record: record, start: position, bulkStart: frameEnd + UInt64(frame.headBytes), bulkBytes: frame.bulkBytes,
      bulkChecksum: frame.bulkChecksum)
    position = entry.end
    return entry
  }

  /// Whether the bulk of a record is what was written.
  package func isWhole(_ entry: Entry) throws(JournalFault) -> Bool {
    guard entry.bulkBytes > 0 else { return true }
    var checksum: UInt32 = 0
    var place = entry.bulkStart
    while place < entry.end {
      let count = Int(min(UInt64(Self.bufferSize), entry.end - place))
      checksum = Checksum.adding(try bytes(at: place, count: count), to: checksum)
      place += UInt64(count)
    }
    return checksum == entry.bulkChecksum
  }

  /// Reads a part of a bulk.
  ///
  /// - Throws: `damaged` where the file ends before; `system`.
  package func read(into target: UnsafeMutableRawBufferPointer, at place: UInt64) throws(JournalFault) {
    guard target.count > 0 else { return }
    guard target.count > Self.bufferSize / 4 else {
      let part = try bytes(at: place, count: target.count)
      guard part.count == target.count else { throw .damaged }
      return part.withUnsafeBytes { target.copyMemory(from: $0) }
    }
    var done = 0
    while done < target.count {
      let result = pread(file, target.baseAddress! + done, target.count - done, off_t(place) + off_t(done))
      if result < 0 && errno == EINTR { continue }
      guard result >= 0 else { throw .system(errno) }
      guard result > 0 else { throw .damaged }
      done += result
    }
  }

  /// Bytes of the file, fewer only where it ends.
  private func bytes(at place: UInt64, count: Int) throws(JournalFault) -> ArraySlice<UInt8> {
    if place < bufferStart || place + UInt64(count) > bufferStart + UInt64(buffer.count) {
      try fill(from: place, atLeast: count)
    }
    let start = Int(place - bufferStart)
    return buffer[min(start, buffer.count)..<min(start + count, buffer.count)]
  }

  private func fill(from place: UInt64, atLeast count: Int) throws(JournalFault) {
    let wanted = Int(min(UInt64(max(count, Self.bufferSize)), length > place ? length - place : 0))
    var filled = 0
    if buffer.count != wanted { buffer = [UInt8](repeating: 0, count: wanted) }
    while filled < wanted {
      let result = buffer.withUnsafeMutableBytes { bytes in
        pread(file, bytes.baseAddress! + filled, wanted - filled, off_t(place) + off_t(filled))
      }
      if result < 0 && errno == EINTR { continue }
      guard result >= 0 else { throw .system(errno) }
      if result == 0 { break }
      filled += result
    }
    buffer.removeLast(buffer.count - filled)
    bufferStart = place
  }
}
