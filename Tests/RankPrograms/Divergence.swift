import Muster
import MusterScheduling

/// Programs in which rank 1 does something else than the others.
enum Divergence {
  struct Alone: Error {}

  static func run(_ kind: String) async throws {
    try await Session.run { session in
      let differs = session.rank == 1
      func record(_ operation: String, shape: [Int] = [4, 5], line: UInt) {
        session.record(
          operation, shape: shape, elementType: "Double",
          callSite: CallSite(file: "Divergence.swift" as StaticString, line: line))
      }
      let a = session.arange(0.0, 12.0).reshaped([3, 4])
      let b = session.ones([3, 4], as: Double.self)
      switch kind {
      case "operands": _ = try await (differs ? b - a : a - b).compute(line: 40)
      case "choice": _ = try await (differs ? b : a).compute(line: 40)
      case "chunks": _ = try await a.rechunked(differs ? [1, 4] : [3, 2]).compute(line: 40)
      case "constant": _ = try await (a * (differs ? 3 : 2)).compute(line: 40)
      case "argument": _ = try await a.sum(axis: differs ? 1 : 0).compute(line: 40)
      case "contents":
        _ = try await session.array(NDArray([1, 2, differs ? 4 : 3] as [Double])).compute(line: 40)
      case "element":
        _ = try await session.gather(session.map(["north", differs ? "east" : "south"], line: 41) { $0 + "ern" })
      case "inputs":
        let row = session.layer(4, line: 43) { $0 }
        _ = try await session.layer(4, of: row, line: 44) {
          [differs ? 3 - $0 : $0]
        } run: {
          $1[0]
        }.compute()
      case "broadcast":
        let field = NDArray(Array(repeating: differs ? 1.5 : 1, count: 100_000))
        _ = try await session.compute(session.broadcast([field, field], line: 42))
      case "options":
        _ = try await session.submit(options: TaskOptions(priority: differs ? 2 : 1), line: 45) { 1 }.value()
      case "kept": _ = try a.persist(checkpointed: differs, line: 46)
      case "cancelled":
        let futures = try session.map(Array(0..<4), line: 47) { $0 }
        try session.cancel([futures[1], futures[differs ? 2 : 3]], line: 48)
      default: break
      }
      record("open", line: 10)
      switch kind {
      case "operation": record(differs ? "max" : "sum", line: 20)
      case "shape": record("sum", shape: differs ? [4, 6] : [4, 5], line: 20)
      case "order":
        record(differs ? "max" : "sum", line: differs ? 21 : 20)
        record(differs ? "sum" : "max", line: differs ? 20 : 21)
      case "extra": if differs { record("extra", line: 20) }
      case "missing": if !differs { record("missing", line: 20) }
      case "line": record("sum", line: differs ? 21 : 20)
      case "collective":
        if differs { _ = try session.onRoot("read") { 1 } }
      case "return": if differs { return }
      case "throw": if differs { throw Alone() }
      case "none", "operands", "choice", "chunks", "constant", "argument", "contents", "element", "inputs",
        "broadcast", "options", "kept", "cancelled":
        break
      default: throw MusterError(.invalidArgument, "no such kind '\(kind)'")
      }
      _ = try await session.compute(
        Failures.plan {}, operation: "compute", callSite: CallSite(file: "Divergence.swift" as StaticString, line: 30))
      print("arrived")
    }
  }
}
