import Foundation
import MusterRuntime
import MusterScheduling
import Testing

/// A trace as a viewer reads it.
struct ReadTrace {
  typealias Object = [String: Any]
  var events: [Object]
  var other: Object

  init(_ path: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? Object)
    events = try #require(object["traceEvents"] as? [Object])
    other = try #require(object["otherData"] as? Object)
    #expect(object["displayTimeUnit"] as? String == "ns")
  }

  func events(_ phase: String, category: String? = nil) -> [Object] {
    events.filter { $0["ph"] as? String == phase && (category == nil || $0["cat"] as? String == category) }
  }
}

extension [String: Any] {
  func int(_ key: String) -> Int? { self[key] as? Int }
  func text(_ key: String) -> String? { self[key] as? String }
  var arguments: [String: Any] { self["args"] as? [String: Any] ?? [:] }
}

struct TraceScratch {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("muster-trace-\(UUID().uuidString)").path
  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  func path(_ name: String) -> String { "\(folder)/\(name)" }
  var files: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }
  func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

func oneLayer(_ name: String, count: Int, _ run: @escaping @Sendable (Int) throws -> Void = { _ in }) -> Plan {
  var plan = Plan()
  let site = CallSite(file: "Module/File.swift", line: 7)
  let layer = plan.add(
    Layer(name: name, count: count, yielding: EmptyBlock.self, callSite: site, inputs: { _, _ in }) {
      try run($0.index)
      return EmptyBlock()
    })
  plan.results = (0..<count).map { TaskID(layer: layer, index: $0) }
  return plan
}
