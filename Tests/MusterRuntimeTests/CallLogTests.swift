import MusterRuntime
import Testing

struct CallLogTests {
  private func log(_ operations: [String]) -> CallLog {
    var log = CallLog()
    for operation in operations { log.record(Call(operation: operation, shape: [3], elementType: "Double")) }
    return log
  }

  @Test func equalHistoriesHaveEqualFingerprints() {
    #expect(log(["a", "b"]).fingerprint == log(["a", "b"]).fingerprint)
    #expect(CallTrace.firstDifference(log(["a", "b"]).trace, log(["a", "b"]).trace) == nil)
  }

  @Test func everyPartOfACallCounts() {
    let calls = [
      Call(operation: "sum"), Call(operation: "max"), Call(operation: "sum", shape: [1]),
      Call(operation: "sum", shape: [1, 1]), Call(operation: "sum", shape: [2]),
      Call(operation: "sum", elementType: "Float"), Call(operation: "sum", detail: "axes 0"),
      Call(operation: "sum", callSite: CallSite(file: "a.swift", line: 1)),
      Call(operation: "sum", callSite: CallSite(file: "a.swift", line: 2)),
      Call(operation: "sum", callSite: CallSite(file: "b.swift", line: 1)),
      Call(operation: "su", elementType: "m"), Call(operation: ""),
    ]
    var seen: Set<Fingerprint> = []
    for call in calls {
      var log = CallLog()
      log.record(call)
      seen.insert(log.fingerprint)
    }
    #expect(seen.count == calls.count)
  }

  @Test func orderCounts() {
    #expect(log(["a", "b"]).fingerprint != log(["b", "a"]).fingerprint)
  }

  @Test func theFirstDifferenceIsFound() throws {
    let found = try #require(CallTrace.firstDifference(log(["a", "b", "c"]).trace, log(["a", "x", "c"]).trace))
    #expect(found.number == 1 && found.a == "b of [3] Double" && found.b == "x of [3] Double")
    let missing = try #require(CallTrace.firstDifference(log(["a"]).trace, log(["a", "x"]).trace))
    #expect(missing.number == 1 && missing.a == nil && missing.b == "x of [3] Double")
    let extra = try #require(CallTrace.firstDifference(log(["a", "x"]).trace, log(["a"]).trace))
    #expect(extra.number == 1 && extra.a == "x of [3] Double" && extra.b == nil)
  }

  @Test func aDifferenceOlderThanTheLogIsNotMisnamed() throws {
    let many = (0..<CallLog.capacity + 10).map { "call \($0)" }
    var other = many
    other[3] = "else"
    #expect(CallTrace.firstDifference(log(many).trace, log(other).trace) == nil)
    other = many
    other[CallLog.capacity] = "else"
    let found = try #require(CallTrace.firstDifference(log(many).trace, log(other).trace))
    #expect(found.number == CallLog.capacity && found.b == "else of [3] Double")
    // One rank is far ahead: where they parted isn't kept.
    let ahead = log((0..<3 * CallLog.capacity).map { "call \($0)" }).trace
    #expect(CallTrace.firstDifference(ahead, log(many).trace) == nil)
    #expect(CallTrace.firstDifference(log(many).trace, ahead) == nil)
  }
}
