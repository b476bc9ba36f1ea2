import Foundation
import Testing

@Suite(.serialized)
struct RankArrayTests {
  /// The same bits on any number of ranks and threads.
  @Test func everyOperationGivesTheSameBitsEverywhere() throws {
    let reference = try Launch.run("rank-programs", ["operations"], environment: ["MUSTER_THREADS": "1"])
    #expect(reference.status == 0, "\(reference.errors)")
    #expect(reference.lines.count == 35)
    #expect(Set(reference.lines.map { $0.split(separator: " ").last }).count > 25)
    for (ranks, threads) in [(nil, "2"), (nil, "3"), (2, "1"), (3, "1"), (4, "2")] as [(Int?, String)] {
      let run = try Launch.run("rank-programs", ["operations"], ranks: ranks, environment: ["MUSTER_THREADS": threads])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output == reference.output, "\(ranks ?? 1) ranks, \(threads) threads")
    }
    let synchronous = try Launch.run(
      "rank-programs", ["operations"], environment: ["MUSTER_BACKEND": "synchronous"])
    #expect(synchronous.output == reference.output)
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
    for ranks in [nil, 3] as [Int?] {
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
    for ranks in [nil, 3] as [Int?] {
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
