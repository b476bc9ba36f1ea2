import Foundation
import Muster
import Testing

struct EnvironmentTests {
  /// `setenv` frees what other threads of the program may be reading. In a process of its own, where nothing else has
  /// begun to use the libraries.
  @Test func theVariablesStayWhereTheyAre() async {
    await #expect(processExitsWith: .success) {
      nonisolated(unsafe) let variables = environ
      let entries = Array(UnsafeBufferPointer(start: variables, count: ProcessInfo.processInfo.environment.count))
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID()).h5").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      let configuration = SessionConfiguration(threads: 2, progress: SessionConfiguration.Progress.none)
      try await Session.run(configuration) { session in
        let array = session.ones([64, 8], as: Double.self, chunks: [16, 8])
        try await array.write(to: path, dataset: "a")
        let (_, values, _) = try session.open(path, dataset: "a", as: Double.self).svd()
        let largest = try await values.compute().elements[0]
        precondition(abs(largest - 512.0.squareRoot()) < 1e-12)
      }
      precondition(environ == variables)
      precondition(Array(UnsafeBufferPointer(start: environ, count: entries.count)) == entries)
    }
  }
}
