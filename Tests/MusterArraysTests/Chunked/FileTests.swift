import Foundation
import Muster
import Testing

@Suite struct ChunkedFileTests {
  static func inFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
  }

  /// Of the values, whatever the chunks.
  @Test func whatIsReadAndWrittenIsReported() async throws {
    var stream = Stream(1)
    let array = stream.array([200, 250])
    try await Self.inFolder { folder in
      let configuration = SessionConfiguration(
        backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none, report: folder + "/report.txt")
      try await Session.run(configuration) { session in
        try await session.array(array, chunks: [64, -1]).write(to: folder + "/a.h5", dataset: "a")
        let back = try session.open(folder + "/a.h5", dataset: "a", as: Double.self, chunks: [50, 125])
        expectEqual(try await back.compute(), array)
      }
      // Other tests of this process may read and write meanwhile.
      let report = try String(contentsOfFile: folder + "/report.txt", encoding: .utf8)
      let line = try #require(report.split(separator: "\n").first { $0.hasPrefix("    of it I/O") }, "\(report)")
      let sizes = try #require(line.firstMatch(of: /read ([\d.]+) ([kMG])B, wrote ([\d.]+) ([kMG])B/), "\(report)")
      let units: [Substring: Double] = ["k": 1e3, "M": 1e6, "G": 1e9]
      #expect(Double(sizes.1)! * units[sizes.2]! >= 400_000, "\(report)")
      #expect(Double(sizes.3)! * units[sizes.4]! >= 400_000, "\(report)")
    }
  }

  @Test func writesAndReadsBack() async throws {
    var stream = Stream(1)
    let array = stream.array([13, 7, 5])
    try await Self.inFolder { folder in
      let path = folder + "/a.h5"
      try await inSession { session async throws in
        try await (session.array(array, chunks: [4, 3, -1]) + 1).write(
          to: path, dataset: "group/a", attributes: ["units": "K"])
        for chunks: Chunks in [.auto, [5, 2, 3], [-1, 1, -1]] {
          let back = try session.open(path, dataset: "group/a", as: Double.self, chunks: chunks)
          expectEqual(try await back.compute(), NDArray(array.elements.map { $0 + 1 }, shape: array.shape))
          #expect(try await (back - 1).rechunked([2, 7, 4])[1..<12, 2].compute().shape == [11, 5])
        }
        #expect(try session.inspect(path, dataset: "group/a").attributes["units"] == "K")
        let erased = try session.open(path, dataset: "group/a")
        #expect(erased.elementType == .float64 && erased.shape == [13, 7, 5])
        let error = await musterError { _ = try session.open(path, dataset: "group/a", as: Float.self) }
        #expect(error?.code == .elementTypeMismatch)
        #expect(await musterError { _ = try session.open(path, dataset: "b") }?.code == .datasetNotFound)
        #expect(await musterError { _ = try session.open(folder + "/none.h5", dataset: "b") }?.code == .fileNotFound)
      }
    }
  }

  @Test func writesSeveralWithTheirCoordinates() async throws {
    try await Self.inFolder { folder in
      let path = folder + "/several.h5"
      try await inSession { session async throws in
        let field = session.fromFunction([6, 4], chunks: [2, 3]) { Double($0[0] * 10 + $0[1]) }
        try await session.write(
          to: path, attributes: ["title": "test"],
          [
            .dataset("field", field, dimensions: ["time", "x"], attributes: ["units": "K", "level": 2]),
            .dataset("mean", field.mean(axis: 0), dimensions: ["x"]),
            .dataset("time", session.arange(0, 6)),
            .dataset("x", NDArray<Float>([1, 2, 3, 4])),
          ])
        let info = try session.inspect(path, dataset: "field")
        #expect(info.dimensions.map(\.scale) == ["time", "x"])
        #expect(info.attributes["level"] == 2)
        let mean = try session.open(path, dataset: "mean", as: Double.self)
        #expect(try await mean.compute().elements == [25, 26, 27, 28])
        #expect(try await session.open(path, dataset: "x", as: Float.self).compute().elements == [1, 2, 3, 4])
      }
    }
  }

  @Test func aFailedWriteLeavesTheOldFile() async throws {
    try await Self.inFolder { folder in
      let path = folder + "/kept.h5"
      try await inSession { session async throws in
        try await session.ones([4], as: Double.self).write(to: path, dataset: "a")
        let failing = session.fromFunction([40], as: Double.self, chunks: [4]) { index in
          if index[0] == 17 { throw MusterError(.taskFailed, "on purpose") }
          return 0
        }
        let error = await musterError { try await failing.write(to: path, dataset: "a") }
        #expect(error?.message == "on purpose")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["kept.h5"])
        #expect(try await session.open(path, dataset: "a", as: Double.self).compute().elements == [1, 1, 1, 1])
        let nowhere = await musterError { try await failing.write(to: folder + "/no/x.h5", dataset: "a") }
        #expect(nowhere?.code == .fileNotFound)
      }
    }
  }

  @Test func readingIsFusedIntoItsOnlyConsumer() async throws {
    try await Self.inFolder { folder in
      let path = folder + "/fused.h5"
      try await inSession { session async throws in
        try await session.ones([64, 8], as: Float.self).write(to: path, dataset: "a")
        let a = try session.open(path, dataset: "a", chunks: [4, -1]).asType(Double.self)
        #expect(try (a * 2).sum().loweredPlan().layers.map(\.tasks.count) == [16, 2, 1])
        // Two consumers: read once, then the mean, then the difference.
        let plan = try (a - a.mean(axis: 0)).loweredPlan()
        #expect(plan.layers.map(\.tasks.count) == [16, 16, 2, 1, 16], "\(plan.layers.map(\.tasks.name))")
      }
    }
  }
}
