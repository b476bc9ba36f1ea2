import Foundation
import Muster
import Testing

/// Compressed datasets by way of a session.
@Suite struct CompressedFileTests {
  /// Chunks of the array that are whole numbers of the file's, and chunks that aren't; a memory array; both kinds in one
  /// file.
  @Test func isReadBackWhateverTheChunks() async throws {
    var stream = Stream(1)
    let array = stream.array([130, 70])
    try await ChunkedFileTests.inFolder { folder in
      let path = folder + "/a.h5"
      try await inSession { session async throws in
        let lazy = session.array(array, chunks: [40, 33]) + 1
        try await session.write(
          to: path, attributes: ["title": "test"],
          [
            .dataset("chosen", lazy, dimensions: ["x", nil], attributes: ["units": "K"], compression: .deflate),
            .dataset("asked", lazy, compression: .deflate(level: 9, shuffle: false, chunkShape: [32, 70])),
            .dataset("memory", array, compression: .deflate(chunkShape: [7, 9])),
            .dataset("plain", lazy),
            .dataset("x", session.arange(0.0, 130.0), compression: .deflate),
          ])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a.h5"])
        let more = NDArray(array.elements.map { $0 + 1 }, shape: array.shape)
        for (name, expected, chunk) in [
          ("chosen", more, [40, 33]), ("asked", more, [32, 70]), ("memory", array, [7, 9]),
        ] {
          #expect(try session.inspect(path, dataset: name).chunkShape == chunk)
          for chunks: Chunks in [.auto, [50, 20]] {
            let back = try session.open(path, dataset: name, as: Double.self, chunks: chunks)
            expectEqual(try await back.compute(), expected)
          }
        }
        #expect(try session.inspect(path, dataset: "chosen").dimensions.map(\.scale) == ["x", nil])
        #expect(try session.inspect(path, dataset: "chosen").attributes["units"] == "K")
        expectEqual(try await session.open(path, dataset: "plain", as: Double.self).compute(), more)
        try await lazy.write(to: path, dataset: "only", compression: .deflate(level: 1))
        expectEqual(try await session.open(path, dataset: "only", as: Double.self).compute(), more)
      }
    }
  }

  /// One chunk for the whole array, of any size.
  @Test func aLargeChunk() async throws {
    let shape = [1200, 8192]
    try await ChunkedFileTests.inFolder { folder in
      let path = folder + "/a.h5"
      try await inSession { session async throws in
        let lazy = session.fromFunction(shape, as: Double.self, chunks: [100, -1]) { Double($0[0] * 8192 + $0[1]) }
        let array = try await lazy.compute()
        try await session.write(
          to: path,
          [
            .dataset("lazy", lazy, compression: .deflate(level: 1, chunkShape: shape)),
            .dataset("memory", array, compression: .deflate(level: 1, chunkShape: [1200, 8000])),
          ])
        for name in ["lazy", "memory"] {
          let back = try session.open(path, dataset: name, as: Double.self, chunks: [-1, -1])
          #expect(try await back.compute() == array)
        }
      }
    }
  }

  /// Chunks that begin anywhere: the file's are others.
  @Test func chunksWithNothingInCommon() async throws {
    try await ChunkedFileTests.inFolder { folder in
      let path = folder + "/a.h5"
      try await inSession { session async throws in
        let lazy = session.arange(0.0, 60_000.0, chunks: [10_000])[1...]
        try await lazy.write(to: path, dataset: "a", compression: .deflate)
        let chunk = try #require(try session.inspect(path, dataset: "a").chunkShape)
        #expect(chunk[0] > 1000, "\(chunk)")
        let back = try await session.open(path, dataset: "a", as: Double.self).compute()
        #expect(back == NDArray((1..<60_000).map { Double($0) }, shape: [59_999]))
      }
    }
  }

  /// HDF5 has no chunks of nothing: such a dataset is written as it is.
  @Test func anEmptyDataset() async throws {
    try await ChunkedFileTests.inFolder { folder in
      let path = folder + "/a.h5"
      try await inSession { session async throws in
        try await session.zeros([0, 5], as: Float.self).write(to: path, dataset: "a", compression: .deflate)
        #expect(try session.inspect(path, dataset: "a").shape == [0, 5])
        #expect(try session.inspect(path, dataset: "a").chunkShape == nil)
      }
    }
  }

  @Test func whatCantBeCompressedIsAnError() async throws {
    try await ChunkedFileTests.inFolder { folder in
      let path = folder + "/a.h5"
      try await inSession { session async throws in
        let array = session.zeros([10, 20], as: Double.self)
        func refusal(_ compression: HDF5Compression) async -> String? {
          let error = await musterError { try await array.write(to: path, dataset: "a", compression: compression) }
          return error.flatMap { $0.code == .invalidArgument ? $0.message : "\($0)" }
        }
        #expect(await refusal(.deflate(level: 10)) == "\"a\" can't be compressed: there is no level 10")
        for shape in [[10], [0, 20], [11, 20]] {
          #expect(
            await refusal(.deflate(chunkShape: shape))
              == "\"a\" can't be compressed: chunks of the shape \(shape) don't fit into its shape, [10, 20]")
        }
        let tiny = session.zeros([1 << 25], as: Int8.self)
        let tooMany = await musterError {
          try await tiny.write(to: path, dataset: "a", compression: .deflate(chunkShape: [1]))
        }
        #expect(
          tooMany?.code == .invalidArgument && tooMany?.message.contains("would be 33554432, and 16777216") == true)
        let large = session.zeros([1 << 15, 1 << 14], as: Double.self)
        let tooLarge = await musterError {
          try await large.write(to: path, dataset: "a", compression: .deflate(chunkShape: [1 << 15, 1 << 14]))
        }
        #expect(tooLarge?.code == .invalidArgument && tooLarge?.message.contains("4 GiB") == true)
        let scalar = await musterError { try await array.sum().write(to: path, dataset: "a", compression: .deflate) }
        #expect(scalar?.code == .invalidArgument && scalar?.message.contains("a single number") == true)
        #expect(scalar?.callSite != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      }
    }
  }

  @Test func aFailedWriteLeavesNothing() async throws {
    try await ChunkedFileTests.inFolder { folder in
      let path = folder + "/kept.h5"
      try await inSession { session async throws in
        try await session.ones([4], as: Double.self).write(to: path, dataset: "a", compression: .deflate)
        let failing = session.fromFunction([40], as: Double.self, chunks: [4]) { index in
          if index[0] == 37 { throw MusterError(.taskFailed, "on purpose") }
          return 0
        }
        let error = await musterError { try await failing.write(to: path, dataset: "a", compression: .deflate) }
        #expect(error?.message == "on purpose")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["kept.h5"])
        #expect(try await session.open(path, dataset: "a", as: Double.self).compute().elements == [1, 1, 1, 1])
      }
    }
  }
}
