import FoundationEssentials

/// Where the chunks of a file's compressed datasets belong.
package struct HDF5ChunkPlaces: Codable, Sendable {
  /// How long the file is.
  package var fileSize: Int
  /// For each dataset its chunks' offsets, 8 bytes each.
  private var encoded: [Data]

  init(_ offsets: [[Int]], fileSize: Int) {
    self.fileSize = fileSize
    encoded = offsets.map { $0.withUnsafeBytes { Data($0) } }
  }

  /// For each dataset where its chunks belong, in row-major order; none for one that isn't compressed.
  package var offsets: [[Int]] {
    encoded.map { data in
      data.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: 8).map { bytes.loadUnaligned(fromByteOffset: $0, as: Int.self) }
      }
    }
  }
}
