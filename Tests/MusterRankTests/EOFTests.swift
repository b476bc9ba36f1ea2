import Foundation
import Testing

/// The demo's program on the climate runs, in one process and on ranks, against NumPy.
@Suite(.serialized)
struct EOFTests {
  private static let environment = ProcessInfo.processInfo.environment

  private static func required(_ name: String) throws -> String {
    try #require(environment[name], "\(name) isn't set: run the tests with `make test`")
  }

  private static func analyse(ranks: Int?, output: String, threads: Int = 1) throws -> Launch {
    let data = try required("MUSTER_DATA")
    return try Launch.run(
      "eof", ["\(data)/A1B_north_america.nc", "\(data)/E1_north_america.nc", "--output", output], ranks: ranks,
      environment: ["MUSTER_THREADS": "\(threads)"])
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }

  private static func scratchFolder() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("muster-eof-\(UUID().uuidString)").path
  }

  @Test func agreesWithNumPyAndWritesTheSameBytesOnAnyRanks() throws {
    let folder = Self.scratchFolder()
    defer { removeFolder(folder) }

    let alone = try Self.analyse(ranks: nil, output: folder + "/alone", threads: 2)
    #expect(alone.status == 0, "\(alone.errors)")
    #expect(alone.output.hasPrefix("explained variance of the first five modes:\n  1  83.24 %\n  2   3.76 %\n"))

    let python = try Self.required("MUSTER_PYTHON")
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Reference/compare_eof.py").path
    let comparison = try Self.run(
      python, [script, folder + "/alone/eof.h5", try Self.required("MUSTER_REFERENCE") + "/eof.h5"])
    #expect(comparison.status == 0, "\(comparison.output)")

    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/alone/eof.h5"))
    for (ranks, threads) in [(nil, 1), (2, 1), (3, 1), (4, 2)] as [(Int?, Int)] {
      let output = "\(folder)/\(ranks ?? 1)-\(threads)"
      let run = try Self.analyse(ranks: ranks, output: output, threads: threads)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.split(separator: "\n").prefix(6) == alone.output.split(separator: "\n").prefix(6))
      let other = try Data(contentsOf: URL(fileURLWithPath: output + "/eof.h5"))
      #expect(other == bytes, "\(ranks ?? 1) ranks of \(threads) threads wrote other bytes")
    }

    let dump = try Self.run("h5dump", ["-d", "/explained_variance", folder + "/alone/eof.h5"])
    #expect(dump.status == 0 && dump.output.contains("(0): 0.8324"), "\(dump.output)")

    // The picture is one: a PNG of the size that was asked for.
    let picture = try Data(contentsOf: URL(fileURLWithPath: folder + "/alone/eof.png"))
    #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(picture.count > 10_000)
  }

  @Test(arguments: Launch.sizes)
  func missingInputIsNamedAndLeavesNothing(ranks: Int?) throws {
    let folder = Self.scratchFolder()
    defer { removeFolder(folder) }
    let run = try Launch.run("eof", ["/nowhere/field.nc", "--output", folder], ranks: ranks)
    #expect(run.status != 0)
    #expect(run.errors.contains("/nowhere/field.nc"), "\(run.errors)")
    #expect(run.errors.contains("fileNotFound"), "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder + "/eof.h5"))
  }

  @Test func withoutGnuplotItSaysWhatToInstall() throws {
    let folder = Self.scratchFolder()
    defer { removeFolder(folder) }
    let data = try Self.required("MUSTER_DATA")
    let run = try Launch.run(
      "eof", ["\(data)/E1_north_america.nc", "--output", folder], environment: ["PATH": "/nowhere"])
    #expect(run.status == 1)
    #expect(run.errors.contains("apt-get install gnuplot-nox"), "\(run.errors)")
    // The results are there all the same.
    #expect(FileManager.default.fileExists(atPath: folder + "/eof.h5"))
  }
}
