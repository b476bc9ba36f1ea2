internal import CDeflate

/// What stands before each record: its kind and sizes, and checksums of its two parts. docs/journal.md describes the file.
///
/// The head holds what a record says; the bulk holds blocks' memory, which is written without a copy and which a reader may
/// pass over.
package struct RecordFrame: Equatable, Sendable {
  package static let byteCount = 24
  /// No head comes near it: more is the sign of a damaged frame.
  static let mostHeadBytes: UInt32 = 1 << 30

  package var kind: UInt32
  package var headBytes: UInt32
  package var bulkBytes: UInt64
  package var bulkChecksum: UInt32
  /// Of the frame's other fields and the head.
  package var headChecksum: UInt32

  package init(kind: UInt32, head: [UInt8], bulkBytes: UInt64 = 0, bulkChecksum: UInt32 = 0) {
    self.kind = kind
    headBytes = UInt32(head.count)
    self.bulkBytes = bulkBytes
    self.bulkChecksum = bulkChecksum
    headChecksum = 0
    headChecksum = checksum(of: head[...])
  }

  /// nil where the bytes are no frame's.
  package init?(_ bytes: ArraySlice<UInt8>) {
    var decoder = RecordDecoder(bytes)
    // By their types' names: `try?` would let an optional be read.
    guard let headBytes = try? decoder.get(UInt32.self), let kind = try? decoder.get(UInt32.self),
      let bulkBytes = try? decoder.get(UInt64.self), let bulkChecksum = try? decoder.get(UInt32.self),
      let headChecksum = try? decoder.get(UInt32.self), headBytes <= Self.mostHeadBytes, bulkBytes < 1 << 56
    else { return nil }
    self.kind = kind
    self.headBytes = headBytes
    self.bulkBytes = bulkBytes
    self.bulkChecksum = bulkChecksum
    self.headChecksum = headChecksum
  }

  package var bytes: [UInt8] {
    var encoder = RecordEncoder(reserving: Self.byteCount)
    encoder.put(headBytes)
    encoder.put(kind)
    encoder.put(bulkBytes)
    encoder.put(bulkChecksum)
    encoder.put(headChecksum)
    return encoder.bytes
  }

  package func checksum(of head: ArraySlice<UInt8>) -> UInt32 {
    withUnsafeBytes(of: (headBytes, kind, bulkBytes, bulkChecksum)) { fields in
      // The four lie one behind the other.
      Checksum.adding(head, to: Checksum.adding(UnsafeRawBufferPointer(rebasing: fields[..<20]), to: 0))
    }
  }
}

extension RecordEncoder {
  /// Adds a whole record without bulk, or, where its bulk is somewhere else, up to that.
  ///
  /// - Parameters:
  ///   - bulkBytes: the size of the bulk, which is to follow.
  ///   - head: puts the head.
  package mutating func record(
    _ kind: JournalRecord.Kind, bulkBytes: Int = 0, bulkChecksum: UInt32 = 0, head: (inout RecordEncoder) -> Void
  ) {
    let start = bytes.count
    put(UInt32(0))
    put(kind.rawValue)
    put(UInt64(bulkBytes))
    put(bulkChecksum)
    put(UInt32(0))
    let headStart = bytes.count
    head(&self)
    replace(at: start, with: UInt32(bytes.count - headStart))
    let checksum = bytes.withUnsafeBytes { bytes in
      let fields = Checksum.adding(UnsafeRawBufferPointer(rebasing: bytes[start..<start + 20]), to: 0)
      return Checksum.adding(UnsafeRawBufferPointer(rebasing: bytes[headStart...]), to: fields)
    }
    replace(at: start + 20, with: checksum)
  }
}

/// CRC-32, as in zlib and gzip, by libdeflate.
package enum Checksum {
  package static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 { adding(bytes, to: 0) }

  package static func adding(_ bytes: ArraySlice<UInt8>, to checksum: UInt32) -> UInt32 {
    bytes.withUnsafeBytes { adding($0, to: checksum) }
  }

  package static func adding(_ bytes: UnsafeRawBufferPointer, to checksum: UInt32) -> UInt32 {
    cdeflate_crc32(checksum, bytes.baseAddress, bytes.count)
  }
}
