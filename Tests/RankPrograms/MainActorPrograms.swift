import Glibc
import Muster

/// What a program does in `main`, which is the main actor's: it stays there, whatever it awaits.
@MainActor
enum MainActorPrograms {
  static func run(folder: String) async throws {
    let total = try await Session.run { session in
      // Long enough that the program doesn't find the end before it suspends.
      let slow = session.delayed { () -> [Double] in
        pause(milliseconds: 20)
        return [3, 1, 2]
      }
      let values = try await slow.compute()
      MainActor.preconditionIsolated("compute")
      print("sorted \(values.sorted { $0 < $1 })")
      let futures = try (0..<3).map { number in
        try session.submit { () -> Int in
          pause(milliseconds: 20)
          return number
        }
      }
      for try await future in session.asCompleted(futures) { _ = future }
      MainActor.preconditionIsolated("asCompleted")
      let gathered = try await session.gather(futures)
      MainActor.preconditionIsolated("gather")
      let (one, two) = try await session.compute(session.delayed { 1 }, session.delayed { 2 })
      MainActor.preconditionIsolated("compute of several")
      let array = session.array(NDArray((0..<12).map(Double.init), shape: [3, 4]), chunks: [1, 2])
      let sum = try await array.mapBlocks { block in
        pause(milliseconds: 5)
        return block
      }.sum().compute()
      MainActor.preconditionIsolated("compute of an array")
      try await array.write(to: "\(folder)/main-actor.h5", dataset: "x")
      MainActor.preconditionIsolated("write")
      return gathered.map { $0 + one + two }.reduce(0, +) + Int(sum.elements[0])
    }
    MainActor.preconditionIsolated("the end")
    print("total \(total)")
    do {
      try await Session.run { session in
        _ = try await session.delayed { () -> Int in
          pause(milliseconds: 20)
          throw Failed()
        }.compute()
      }
    } catch {
      MainActor.preconditionIsolated("an error")
      print("failed \([error].map { ($0 as? MusterError)?.code == .taskFailed })")
    }
  }

  private struct Failed: Error {}
}

private func pause(milliseconds: UInt32) { usleep(1000 * milliseconds) }
