import Glibc
import Muster

/// Functions that are put off, whose values cross ranks in each of the ways that there are.
enum DelayedFunctions {
  private struct Point: BitwiseCopyable {
    var x: Double
    var label: Int8
  }

  private struct Station: Codable, Sendable {
    var name: String
    var heights: [Double]
    var next: [Int: String]?
  }

  /// A value that says it can cross, and can't.
  private struct Stubborn: Codable, Sendable {
    struct Refusal: Error {}
    var text = "too long for a value that is nothing but bytes"
    init() {}
    init(from decoder: any Decoder) throws { throw Refusal() }
    func encode(to encoder: any Encoder) throws { throw Refusal() }
  }

  /// Draws a graph; an error is printed, with what it says to do.
  static func draw(to path: String) async throws {
    try await Session.run { session in
      let sum = session.delayed(session.delayed { 1 }, session.arange(0.0, 4.0)) { $0 + $1.elements.count }
      do { try session.visualize(sum, to: path) } catch let error as MusterError {
        print("\(error.code): \(error.fix)")
      }
      print(try await sum.compute())
    }
  }

  /// Each kind of value, empty ones and nil too, crosses to a task on another worker and into the result.
  private static func crossInEveryWay(_ session: Session) async throws {
    func pair<T: Sendable>(_ name: String, _ value: T) -> [Delayed<T>] {
      // Both workers have one: one of them has to cross to what takes both.
      (0..<2).map { _ in
        session.delayed(name: name) { () -> T in
          usleep(10_000)
          return value
        }
      }
    }
    let arrays = pair("arrays", [NDArray<Double>([1, 2]), NDArray<Double>([], shape: [0, 3])])
    let nothing = pair("nothing", [Int]())
    let tuples = pair("tuples", (1, 2.5, true))
    let absent = pair("absent", Optional<String>.none)
    let texts = pair("texts", Optional("ü"))
    let gaps = pair("gaps", [1, nil, 3] as [Int?])
    let nested = pair("nested", [[1.5], [], [2.5, .nan]])
    let byName = pair("by name", ["one": NDArray<Float>([1, 2, 3, 4], shape: [2, 2])])
    let effects = pair("effects", ())
    let long = pair("long", ["text": String(repeating: "long ", count: 20_000)])
    let a = session.delayed(arrays, nothing, tuples, absent) { arrays, nothing, tuples, absent in
      "\(arrays.map { $0.map { "\($0.shape) \($0.elements)" } }) \(nothing) \(tuples) \(absent)"
    }
    let b = session.delayed(texts, gaps, nested, byName, effects, long) { texts, gaps, nested, byName, effects, long in
      "\(texts) \(gaps) \(nested) \(byName.map { "\($0["one"]!.shape) \($0["one"]!.elements)" }) \(effects.count)"
        + " \(long.map { $0["text"]!.utf8.count })"
    }
    let results = try await session.compute(
      a, b, arrays[1], nothing[1], tuples[1], absent[1], texts[1], gaps[1], nested[1], long[1])
    print(results.0)
    print(results.1)
    print(results.2.map(\.elements), results.3, results.4, results.5 ?? "nil", results.6 ?? "nil", results.7, results.8)
    print(results.9["text"]!.utf8.count)
  }

  static func run() async throws {
    try await Session.run { session in
      // Enough of each kind that some cross between workers.
      let points = (0..<20).map { index in session.delayed { Point(x: Double(index) / 3, label: Int8(index)) } }
      let stations = (0..<20).map { index in
        session.delayed(points[index], points[(index + 7) % 20]) { own, other in
          Station(name: "station \(own.label)", heights: [own.x, .infinity, other.x], next: [Int(other.label): "é"])
        }
      }
      let arrays = (0..<20).map { index in
        session.delayed(stations[index], points[19 - index]) { station, point in
          NDArray<Double>([station.heights[0], station.heights[2], point.x])
        }
      }
      let series = (0..<20).map { index in
        session.delayed(arrays[index], arrays[(index + 11) % 20]) { a, b in zip(a.elements, b.elements).map(*) }
      }
      let field = session.arange(0.0, 1000.0, chunks: .exact([[300, 300, 400]]))
      let all = session.delayed(stations, series, field / field.max()) { stations, series, field in
        let names = stations.map { "\($0.name) \($0.heights) \($0.next!)" }
        return "\(names) \(series) \(field.elements[999]) \(field.elements[1])"
      }
      let (text, last, sum, first) = try await session.compute(all, arrays[19], field.sum(), points[4])
      print(text)
      print("\(last.elements) \(sum.elements) \(first.x) \(first.label)")

      try await crossInEveryWay(session)

      let stubborn = session.delayed(name: "stubborn") { Stubborn() }
      do { _ = try await stubborn.compute() } catch let error as MusterError {
        print("result: \(error.code) of \(error.task?.operation ?? ""): \(error.message)")
      }
      // Both inputs are where they were made: one has to cross.
      let pair = (0..<2).map { _ in
        session.delayed(name: "stubborn") { () -> Stubborn in
          usleep(200_000)
          return Stubborn()
        }
      }
      let both = session.delayed(pair, name: "both") { $0.count }
      do { _ = try await both.compute() } catch let error as MusterError {
        print("input: \(error.code) of \(error.task?.operation ?? ""): \(error.message)")
      }
      print(try await points[1].compute().label)

      var row = session.layer(12) { Point(x: Double($0), label: 1) }
      for _ in 0..<30 {
        row = session.layer(12, of: row) {
          [$0, ($0 + 1) % 12, ($0 * 5) % 12]
        } run: { point, near in
          Point(x: near.reduce(Double(point)) { $0 / 3 + $1.x }, label: near[2].label)
        }
      }
      let (reversed, total) = try await session.compute(
        row[(0..<12).reversed()], session.delayed(row) { $0.reduce(0) { $0 + $1.x } })
      print("row \(reversed.map(\.x)) \(total)")
    }
  }

  /// A task calls what only the program can, and the program goes on.
  static func callSession() async throws {
    try await Session.run { session in
      let error = session.delayed(name: "inner") { () -> [String] in
        do {
          _ = session.delayed { 3 }
          _ = try session.submit { 2 }
          return ["submitted"]
        } catch let error as MusterError { return ["\(error.code)", error.message] }
      }
      print(try await error.compute())
      print("ones \(try await session.ones([4], as: Double.self, chunks: [1]).sum().compute().item())")
    }
  }
}
