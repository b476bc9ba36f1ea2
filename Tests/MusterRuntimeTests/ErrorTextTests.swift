import Foundation
import MusterRuntime
import Testing

/// What a task's error is told as, whatever its type.
struct ErrorTextTests {
  private enum Why: Error {
    case empty
    case short(Int)
  }
  private struct NoData: LocalizedError {
    var year: Int
    var errorDescription: String? { "there are no data of \(year)" }
  }
  private struct Plain: Error { var year: Int }
  private struct Worded: Error, CustomStringConvertible { var description = "in its own words" }

  @Test(
    arguments: [
      (Why.empty, "Why.empty"), (Why.short(3), "Why.short(3)"), (NoData(year: 1998), "there are no data of 1998"),
      (Plain(year: 2), "Plain(year: 2)"), (Worded(), "in its own words"),
    ] as [(any Error, String)])
  func hasItsOwnWords(error: any Error, words: String) async throws {
    try await Session.run { session in
      let failing = session.delayed { () throws -> Int in throw error }
      let told = await #expect(throws: MusterError.self) { try await failing.compute() }
      #expect(told?.message == "a task threw: \(words)")
    }
  }
}
