package import MusterRuntime

/// Where the compressed chunks of a block are until their places in the file are known: one after the other in a file of
/// the process that compressed them (`PartialFiles.spoolName`).
package struct SpooledChunks: Block, Equatable {
  /// The number in the file's name.
  var spool: UInt64
  /// In the order of `HDF5ChunkedStorage.chunks(from:of:in:)`.
  package var places: [Place]

  package struct Place: Equatable, Sendable {
    var offset: Int
    package var byteCount: Int
  }

  /// The size of a place, in bytes.
  package var byteCount: Int { places.count * MemoryLayout<Place>.stride }

  init(spool: UInt64, places: [Place]) {
    self.spool = spool
    self.places = places
  }

  /// Writes what there is to the header.
  package func encode(into encoder: inout BlockEncoder) { encoder.append(bytes: bytes) }

  /// Reads what `encode(into:)` wrote.
  ///
  /// - Throws: `MusterError` with code `internal` where the bytes aren't such places.
  package static func decode(from decoder: inout BlockDecoder) throws -> SpooledChunks {
    guard let chunks = SpooledChunks(bytes: try decoder.readBytes()) else {
      throw MusterError(.internal, "the places of compressed chunks arrived damaged")
    }
    return chunks
  }

  /// The same as bytes: numbers of 8, the spool's first, then the offset and the size of each chunk.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 * (1 + 2 * places.count))
    func put(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    put(spool)
    for place in places {
      put(UInt64(place.offset))
      put(UInt64(place.byteCount))
    }
    return bytes
  }

  /// nil where the bytes aren't such places.
  package init?(bytes: [UInt8]) {
    guard bytes.count >= 8, bytes.count % 16 == 8 else { return nil }
    let numbers = bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 8).map {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
      }
    }
    spool = numbers[0]
    places = []
    for index in stride(from: 1, to: numbers.count, by: 2) {
      guard let offset = Int(exactly: numbers[index]), let byteCount = Int(exactly: numbers[index + 1]) else {
        return nil
      }
      places.append(Place(offset: offset, byteCount: byteCount))
    }
  }
}
