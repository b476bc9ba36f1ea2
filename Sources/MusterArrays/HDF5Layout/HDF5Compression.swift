/// How a dataset is compressed in its file.
public struct HDF5Compression: Sendable, Hashable {
  /// From 0, which doesn't compress, to 9.
  public var level: Int
  /// Whether the first bytes of all elements of a chunk come first, then the second ones, and so on. Numbers become
  /// smaller so, as a rule.
  public var shuffle: Bool
  /// The shape of the file's chunks, which are compressed one by one: for each axis from 1 to its length, less than 4 GiB
  /// together, and no more than 16,777,216 of them. Nil for parts of the array's chunks, of at most 1 MiB where
  /// possible; where these would be tiny, for others, and the array is rechunked.
  public var chunkShape: [Int]?

  /// What every HDF5 library can read: `compression="gzip"` in h5py, `zlib=True` in NetCDF.
  ///
  /// - Parameters:
  ///   - level: from 0, which doesn't compress, to 9. Higher levels take longer, and are rarely worth it. Writing throws
  ///     `invalidArgument` for others, and for chunks that there can't be.
  ///   - shuffle: whether bytes of the same significance come together first.
  ///   - chunkShape: the shape of the file's chunks. Who reads one element reads a whole chunk. An array whose own chunks
  ///     don't begin where the file's do is rechunked first.
  public static func deflate(level: Int = 4, shuffle: Bool = true, chunkShape: [Int]? = nil) -> HDF5Compression {
    HDF5Compression(level: level, shuffle: shuffle, chunkShape: chunkShape)
  }

  /// The same at level 4, with shuffling, and chunks that Muster chooses.
  public static var deflate: HDF5Compression { .deflate() }
}
