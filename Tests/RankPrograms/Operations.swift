import Muster

/// Prints a digest of the bytes of what each of many operations gives: they depend on neither ranks nor threads.
enum Operations {
  /// - Parameters:
  ///   - compressed: a file with a compressed dataset `chunked` of three dimensions.
  ///   - folder: where to write to.
  static func run(compressed: String, folder: String) async throws {
    try await Session.run { session in
      var table = OperationTable(session)
      let wave = table.wave
      let stored = try session.open(compressed, dataset: "chunked", as: Double.self)
      table.add("read", stored)
      table.add("read in other chunks", stored.rechunked([9, 4, -1]) * 2.0)
      table.add("mean of what is read", stored.mean(axis: 0))

      let path = folder + "/written.h5"
      try await session.write(
        to: path,
        [
          .dataset("double", (wave * 3.0).exp()), .dataset("float", wave.asType(Float.self).transposed()),
          .dataset("integers", (wave * 9.0).asType(Int16.self)), .dataset("bytes", (wave * 9.0).asType(UInt8.self)),
          .dataset("memory", NDArray<Int>.arange(20)),
        ])
      for name in ["double", "float", "integers", "bytes", "memory"] {
        table.add("written \(name)", try session.open(path, dataset: name).asType(Double.self))
      }
      for (name, array) in table.entries {
        let result = try await array.compute()
        print("\(name) \(result.shape) \(digest(result))")
      }
    }
  }

  /// FNV-1a over the bytes.
  private static func digest(_ array: AnyNDArray) -> UInt64 {
    withExtendedLifetime(array.storage) {
      UnsafeRawBufferPointer(start: array.storage.bytes, count: array.byteCount).reduce(0xCBF2_9CE4_8422_2325) {
        ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
      }
    }
  }
}
