import Foundation
import Testing

@Suite(.serialized)
struct RankArrayTests {
  /// The same bits on any number of ranks and threads, of every operation of every element type that has it.
  @Test func everyOperationGivesTheSameBitsEverywhere() throws {
    let compressed = try #require(
      ProcessInfo.processInfo.environment["MUSTER_REFERENCE"],
      "MUSTER_REFERENCE isn't set: run the tests with `make test`")
    let folder = temporaryFolder("operations")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    func run(ranks: Int? = nil, _ environment: [String: String]) throws -> Launch {
      try Launch.run(
        "rank-programs", ["operations", compressed + "/layouts.h5", folder], ranks: ranks, environment: environment)
    }
    let reference = try run(["MUSTER_THREADS": "1"])
    #expect(reference.status == 0, "\(reference.errors)")
    #expect(reference.lines.count == 779)
    // Every operation once, and few of them with the same result.
    #expect(Set(reference.lines.map { $0.split(separator: "[").first }).count == reference.lines.count)
    #expect(Set(reference.lines.map { $0.split(separator: " ").last }).count > reference.lines.count / 2)
    for (ranks, threads) in [(nil, "2"), (nil, "3"), (2, "1"), (3, "1"), (4, "2")] as [(Int?, String)] {
      let run = try run(ranks: ranks, ["MUSTER_THREADS": threads])
      #expect(run.status == 0, "\(run.errors)")
      let different = zip(run.lines, reference.lines).first { $0 != $1 }
      #expect(run.output == reference.output, "\(ranks ?? 1) ranks, \(threads) threads: \(different ?? ("", ""))")
    }
    #expect(try run(["MUSTER_BACKEND": "synchronous"]).output == reference.output)
  }

  @Test(arguments: [
    ("missing", "fileNotFound", "nowhere.h5"), ("notHDF5", "notHDF5", "words.h5"),
    ("truncated", "damagedFile", "cut.h5"),
    ("dataset", "datasetNotFound", "t2m"), ("type", "elementTypeMismatch", "Double"),
    ("broadcast", "shapeMismatch", "[12, 5] and [7]"), ("chunks", "invalidChunks", "0"), ("axes", "invalidAxis", "2"),
    ("nan", "nonFiniteInput", "svd"),
    ("unwritable", "permissionDenied", "\"/proc/out.h5\": the file system of \"/proc\" takes no new files"),
    ("full", "diskFull", "out.h5"),
    ("limit", "inputOutput", "out.h5\": the file would be larger than allowed here"),
    ("rival", "inputOutput", "out.h5\": another program writes the same file"),
    ("closure", "invalidArgument", "30 isn't liked"),
  ])
  func mistakesAreTheSameErrorOnEveryRank(kind: String, code: String, words: String) throws {
    for ranks in Launch.sizes {
      let folder = temporaryFolder("bad-input")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { removeFolder(folder) }
      try expectError(kind, code, words, folder: folder, ranks: ranks)
      // Nothing half-written, under no name; but for what the other program has begun.
      let left = Set(try FileManager.default.contentsOfDirectory(atPath: folder))
      let others = left.subtracting(["good.h5", "words.h5", "cut.h5"])
      #expect(others.count == (kind == "rival" ? 2 : 0), "\(left)")
    }
  }

  @Test(
    .enabled(if: MemoryDisk.isPossible, "mounting a disk needs root, and a machine that allows it"),
    arguments: [
      ("readOnly", "permissionDenied", "/disk/out.h5\": it is on a read-only file system"),
      ("fills", "diskFull", "/disk/out.h5\": the disk is full"),
    ])
  func theFaultsOfADiskAreTheSameErrorOnEveryRank(kind: String, code: String, words: String) throws {
    for ranks in Launch.sizes {
      let folder = temporaryFolder("bad-input")
      try FileManager.default.createDirectory(atPath: folder + "/disk", withIntermediateDirectories: true)
      defer { removeFolder(folder) }
      try MemoryDisk.mounted(on: folder + "/disk", options: kind == "readOnly" ? "size=1m,ro" : "size=1m") {
        try expectError(kind, code, words, folder: folder, ranks: ranks)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/disk")
        #expect(left == (kind == "readOnly" ? [] : ["filler"]))
      }
    }
  }

  /// Runs a program that makes a mistake; the error has to be the same on every rank, and to leave it.
  private func expectError(_ kind: String, _ code: String, _ words: String, folder: String, ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["bad-input", kind, folder], ranks: ranks, limit: 60)
    #expect(run.status == 1, "\(run.errors)")
    #expect(
      run.lines.count == 1 && run.output.hasPrefix(code + ": ") && run.output.contains(words),
      "\(run.output)\(run.errors)")
    #expect(run.errors.contains(words))
  }
}
