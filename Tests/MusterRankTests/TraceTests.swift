import Foundation
import Testing

/// One after another: each starts several processes.
@Suite(.serialized)
struct TraceTests {
  private typealias Object = [String: Any]

  private func trace(_ path: String) throws -> (events: [Object], other: Object) {
    let object = try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(fileURLWithPath: path))) as? Object
    return (
      try #require(object?["traceEvents"] as? [Object]), try #require(object?["otherData"] as? Object)
    )
  }

  private func arguments(_ event: Object) -> Object { event["args"] as? Object ?? [:] }

  /// Blocks that travel in their message, and such that follow it; ranks on one node, and as if on nodes of their own,
  /// where clocks are asked for.
  @Test(arguments: [(1000, false), (200_000, false), (200_000, true)])
  func everyTaskAndTransferIsThere(bytes: Int, apart: Bool) throws {
    let folder = temporaryFolder("trace")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    let path = "\(folder)/trace.json"
    var environment = ["MUSTER_TRACE": path]
    if apart { environment["MUSTER_TEST_SEPARATE_NODES"] = "1" }
    let run = try Launch.run("rank-programs", ["traced", "40", "\(bytes)"], ranks: 3, environment: environment)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["trace.json"])
    let (events, other) = try trace(path)

    // Every task once, on the rank that ran it: pid is the rank and 1.
    let tasks = events.filter { $0["cat"] as? String == "task" && $0["ph"] as? String == "X" }
    let ran = tasks.map { task in
      let name = task["name"] as? String == "make" ? "make" : "take"
      return "ran \(name) \(arguments(task)["index"] as? Int ?? -1) \((task["pid"] as? Int ?? 0) - 1)"
    }
    #expect(ran.sorted() == run.lines.filter { $0.hasPrefix("ran") }.sorted())
    #expect(tasks.count == 80 && Set(tasks.compactMap { $0["pid"] as? Int }) == [2, 3])
    #expect(Set(tasks.compactMap { $0["name"] as? String }) == ["make", "take \"two\""])
    for task in tasks where task["name"] as? String == "make" { #expect(arguments(task)["bytes"] as? Int == bytes) }

    // The bytes that came to each rank are those that it counted.
    let received = events.filter { $0["ph"] as? String == "b" && $0["cat"] as? String == "transfer" }
    for rank in 0..<3 {
      let told = run.errors.firstMatch(of: try Regex("traffic \(rank) (\\d+);", as: (Substring, Substring).self))
      let own = received.filter { arguments($0)["to"] as? Int == rank }
      #expect(own.allSatisfy { $0["pid"] as? Int == rank + 1 })
      #expect(
        own.reduce(0) { $0 + (arguments($1)["bytes"] as? Int ?? 0) } == told.flatMap { Int($0.1) }, "rank \(rank)")
    }
    // Rank 0 gets the results at least; whether blocks cross between workers is the scheduler's choice.
    // Small ones that go into tasks with others go by way of rank 0, too, but where another worker has asked before.
    let atRoot = received.count { arguments($0)["to"] as? Int == 0 }
    #expect(bytes <= 1024 ? (41...80).contains(atRoot) : atRoot == 40, "\(atRoot)")

    // Each has its end, and was sent by whom it came from; an arrow leads from there to here, and not back in time.
    let sent = events.filter { ($0["name"] as? String)?.hasPrefix("send ") == true }
    #expect(sent.count == received.count)
    let ends = Dictionary(grouping: events.filter { $0["ph"] as? String == "e" }) { $0["id"] as? String }
    for begin in received { #expect(ends[begin["id"] as? String]?.count == 1) }
    let starts = Dictionary(grouping: events.filter { $0["ph"] as? String == "s" }) { $0["id"] as? String }
    let arrows = events.filter { $0["ph"] as? String == "f" }
    // A small block may go to a rank twice, for two tasks.
    #expect(arrows.count == received.count && starts.values.reduce(0) { $0 + $1.count } == received.count)
    // Clocks that were asked for are right to some microseconds where the machine isn't busy; here it may be.
    let slack = apart ? 100_000.0 : 0
    for arrow in arrows {
      let start = try #require(starts[arrow["id"] as? String]?.first)
      #expect((start["ts"] as? Double ?? .infinity) <= (arrow["ts"] as? Double ?? 0) + slack)
      #expect(start["pid"] as? Int != arrow["pid"] as? Int)
    }
    #expect(other["lost"] as? Int == 0)
    #expect((other["clocks"] as? [Object])?.compactMap { $0["rank"] as? Int } == (apart ? [1, 2] : []))
    #expect(events.contains { $0["name"] as? String == "process_name" && $0["pid"] as? Int == 3 })
  }

  @Test func anErrorLeavesATraceToo() throws {
    let folder = temporaryFolder("trace")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    let path = "\(folder)/trace.json"
    let run = try Launch.run(
      "rank-programs", ["traced", "8", "1000", "fails"], ranks: 3, environment: ["MUSTER_TRACE": path])
    #expect(run.status != 0 && run.errors.contains("as it should"), "\(run)")
    let failed = try trace(path).events.filter { $0["cat"] as? String == "task,failed" }
    #expect(failed.map { arguments($0)["index"] as? Int } == [1])
  }

  @Test func aPathThatCannotBeWrittenIsToldOnce() throws {
    let run = try Launch.run(
      "rank-programs", ["traced", "4", "1000"], ranks: 3, environment: ["MUSTER_TRACE": "/no-such-folder/trace.json"])
    #expect(run.status != 0)
    #expect(run.errors.components(separatedBy: "the trace can't be written").count == 2, "\(run.errors)")
    #expect(!run.output.contains("ran"))
  }
}
