import Foundation
import MusterRuntime
import MusterScheduling
import Testing

struct TraceFileTests {
  @Test func eventsAreWhatTheyWere() throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    let recorder = TraceRecorder(rank: 0, capacity: 64)
    let name = "odd \"name\" \\ with\n\t\u{1}\u{7f} and \u{2028}é🙂"
    recorder.register(oneLayer(name, count: 3).layers, from: 4)
    try recorder.open(scratch.path("trace.json"), processes: ["one \"process\""])
    let task = TaskID(layer: 4, index: 2)
    let t = recorder.start
    recorder.ran(task, attempt: 3, begin: t + 1_234_567, end: t + 1_234_568, bytes: 1 << 40)
    recorder.ran(TaskID(layer: 9, index: 2), attempt: 4, begin: t - 5, end: t + 2_000, bytes: nil)
    recorder.sent(task, bytes: 77, to: 6, begin: t + 10_000, end: t + 11_005)
    recorder.received(task, bytes: 78, from: 5, begin: t + 20_000, arrival: t + 21_000, end: t + 22_500)
    recorder.holds(4096, at: t + 50_000_000)
    recorder.retracts(task, attempt: 1, from: 8)
    recorder.spilled(task, bytes: 79, begin: t + 30_000, end: t + 31_000)
    recorder.unspilled(task, bytes: 79, begin: t + 32_000, end: t + 33_000)
    recorder.finish()
    #expect(scratch.files == ["trace.json"])

    let trace = try ReadTrace(scratch.path("trace.json"))
    let tasks = trace.events("X", category: "task") + trace.events("X", category: "task,failed")
    try #require(tasks.count == 2)
    #expect(tasks[0].text("name") == name && tasks[1].text("name") == "layer 9")
    #expect(tasks[0]["ts"] as? Double == 1234.567 && tasks[0]["dur"] as? Double == 0.001)
    #expect(tasks[1]["ts"] as? Double == -0.005 && tasks[1]["dur"] as? Double == 2.005)
    #expect(tasks[0].int("pid") == 1 && tasks[0].int("tid") == 1)
    #expect(tasks[0].arguments.int("bytes") == 1 << 40 && tasks[0].arguments.int("attempt") == 3)
    #expect(tasks[0].arguments.int("layer") == 4 && tasks[0].arguments.int("index") == 2)
    #expect(tasks[1].arguments["failed"] as? Bool == true)

    // Each transfer's two ends, and the arrows: the other rank's ends of these are on other ranks.
    let (begins, ends) = (trace.events("b"), trace.events("e"))
    #expect(begins.count == 3 && Set(begins.map { $0.text("id") }) == Set(ends.map { $0.text("id") }))
    for begin in begins {
      let end = try #require(ends.first { $0.text("id") == begin.text("id") })
      #expect(end.text("name") == begin.text("name") && end.text("cat") == begin.text("cat"))
      #expect((end["ts"] as? Double ?? 0) - (begin["ts"] as? Double ?? 0) == 1)
    }
    let transfers = trace.events("X", category: "transfer")
    #expect(transfers.map { $0["ts"] as? Double } == [10, 21])
    #expect(transfers.map { $0["dur"] as? Double } == [1.005, 1.5])
    #expect(
      transfers.map { $0.arguments.int("from") } == [0, 5] && transfers.map { $0.arguments.int("to") } == [6, 0])
    #expect(transfers.map { $0.arguments.int("bytes") } == [77, 78])
    #expect(trace.events("s").count == 1 && trace.events("f").count == 1)
    #expect(trace.events("s").first?.text("id") != trace.events("f").first?.text("id"))
    #expect(trace.events("C").map { $0.arguments.int("bytes") } == [4096])
    #expect(trace.events("i").map { $0.text("name") } == ["retract"])
    #expect(trace.events("i").map { $0.arguments.int("worker") } == [8])
    #expect(trace.events("M").first?.arguments.text("name") == "one \"process\"")
    let layer = (trace.other["layers"] as? [[String: Any]])?.first
    #expect(layer?.text("name") == name && layer?.text("call") == "Module/File.swift:7")
    #expect(trace.other.int("lost") == 0)
  }

  @Test func whatWasLostIsTold() throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    let recorder = TraceRecorder(rank: 0, capacity: 8)
    try recorder.open(scratch.path("trace.json"), processes: ["p"])
    for index in 0..<30 {
      recorder.ran(TaskID(layer: 0, index: index), attempt: 1, begin: 0, end: 1, bytes: 0)
    }
    recorder.finish()
    let trace = try ReadTrace(scratch.path("trace.json"))
    #expect(trace.events("X").map { $0.arguments.int("index") } == Array(22..<30))
    #expect(trace.other.int("lost") == 22)
    let thread = (trace.other["threads"] as? [[String: Any]])?.first
    #expect(thread?.int("recorded") == 30 && thread?.int("lost") == 22)
  }

  @Test func laterSessionsGetNamesOfTheirOwn() throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    for _ in 0..<3 {
      for name in ["a.json", ".hidden", "plain"] {
        let recorder = TraceRecorder(rank: 0)
        try recorder.open(scratch.path(name), processes: ["p"])
        recorder.finish()
      }
    }
    #expect(
      scratch.files == [
        ".hidden", ".hidden-2", ".hidden-3", "a-2.json", "a-3.json", "a.json", "plain", "plain-2", "plain-3",
      ])
  }
}
