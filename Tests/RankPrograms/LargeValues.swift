import Foundation
import Muster
import MusterRuntime

/// Values of which few fit within the limit that the test sets: each is taken by itself, then two at a time, of which other
/// workers hold some.
enum LargeValues {
  struct Field: Codable, Sendable {
    struct Pair: Codable, Sendable {
      var a: Int
      var b: Int
    }
    var name: String
    var numbers: [Int]
    var pairs: [Pair]
    var sum: Int { pairs.reduce(numbers.reduce(0, +)) { $0 + $1.a + $1.b } }
  }

  static func run(_ kind: String, count: Int, numbers: Int) async throws {
    @Sendable func value(_ number: Int, _ place: Int) -> Int { 1000 + (place * (number + 1)) % 997 }
    @Sendable func made(_ number: Int) -> [Int] { (0..<numbers).map { value(number, $0) } }
    try await Session.run { session in
      let sum =
        switch kind {
        case "arrays": try await sums(session, count, made) { $0.reduce(0, +) }
        case "data":
          try await sums(session, count, { number in made(number).withUnsafeBytes { Data($0) } }) { data in
            data.withUnsafeBytes { $0.bindMemory(to: Int.self).reduce(0, +) }
          }
        case "structs":
          try await sums(
            session, count,
            { number in
              // Half of them in pairs.
              let half = numbers / 2
              let pairs = stride(from: half, to: numbers, by: 2).map { place in
                Field.Pair(a: value(number, place), b: place + 1 < numbers ? value(number, place + 1) : 0)
              }
              return Field(name: "f\(number)", numbers: (0..<half).map { value(number, $0) }, pairs: pairs)
            }, \.sum)
        case "lists":
          try await sums(
            session, count,
            { number in
              stride(from: 0, to: numbers, by: 100).map { start in
                (start..<min(start + 100, numbers)).map { value(number, $0) }
              }
            }, { $0.reduce(0) { $0 + $1.reduce(0, +) } })
        default:
          // Texts, each of some 40 bytes.
          try await sums(
            session, count, { number in (0..<numbers / 5).map { "number \(value(number, $0)) of a list" } }
          ) { $0.reduce(0) { $0 + Int($1.split(separator: " ")[1])! } }
        }
      let disk = SpillTraffic.counts
      print("peak \(session.rank) \(MemoryUV.peak()) written \(disk.written) read \(disk.read)")
      guard session.isRoot else { return }
      let last = kind == "texts" ? numbers / 5 : numbers
      var expected = 0
      for number in 0..<count { for place in 0..<last { expected += value(number, place) } }
      print(sum == 3 * expected ? "exact" : "expected \(3 * expected), not \(sum)")
    }
  }

  private static func sums<T: Sendable>(
    _ session: Session, _ count: Int, _ make: @escaping @Sendable (Int) -> T, _ sum: @escaping @Sendable (T) -> Int
  ) async throws -> Int {
    let values = try session.map(Array(0..<count), make)
    let alone = try await session.gather(session.map(values, sum)).reduce(0, +)
    let pairs = try (0..<count).map { place in
      try session.submit(values[place], values[(place + count / 2) % count]) { sum($0) + sum($1) }
    }
    return try await session.gather(pairs).reduce(alone, +)
  }
}
