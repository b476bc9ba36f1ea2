import Foundation
import Testing

/// What rank 0 has printed is there, however the job ends.
@Suite(.serialized)
struct PrintedTests {
  @Test(arguments: ["diverge", "die", "terminate", "at the end"])
  func isNotLost(end: String) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let run = try Launch.run("rank-programs", ["printed", end, file.path], ranks: 3, limit: 30)
    #expect(run.status != 0)
    let last = end == "at the end" ? ", and its end\n" : ""
    let printed = try String(contentsOf: file, encoding: .utf8)
    #expect(printed == "the first result\nand the beginning of a line" + last, "\(run.errors)")
    #expect(run.seconds < 20)
  }
}
