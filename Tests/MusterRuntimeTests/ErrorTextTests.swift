import Foundation
import MusterRuntime
import Testing

/// What a task's error is told as, whatever its type.
struct ErrorTextTests {
  @Test func foundationSaysTheSame() {
    let error: any Error = MusterError(.diskFull, "the disk is full", fix: "Remove something")
    #expect(error.localizedDescription == "\(error)" && error.localizedDescription.contains("the disk is full"))
  }

  @Test func aQueueWithoutRoomIsRefusedAsItWasAskedFor() async throws {
    for capacity in [0, -1] {
      let error = await #expect(throws: MusterError.self) {
        try await Session.run(SessionConfiguration(threads: 1, progress: SessionConfiguration.Progress.none)) {
          try await $0.queue("q", of: Int.self, capacity: capacity).put(1)
        }
      }
      #expect(error?.message.hasSuffix("has the capacity \(capacity)") == true, "\(String(describing: error))")
    }
  }

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
