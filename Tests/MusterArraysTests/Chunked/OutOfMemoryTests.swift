import Muster
import MusterArrays
import MusterRuntime
import Testing

struct OutOfMemoryTests {
  /// Half an exbibyte in one chunk.
  private let shape = [1 << 28, 1 << 28]

  @Test func aChunkThatDoesNotFitIsAnErrorThatNamesIt() async throws {
    let configuration = SessionConfiguration(threads: 2, progress: SessionConfiguration.Progress.none)
    let error = await #expect(throws: MusterError.self) {
      try await Session.run(configuration) { session in
        _ = try await session.full(self.shape, 1.0, chunks: [-1, -1]).compute()
      }
    }
    #expect(error?.code == .outOfMemory)
    #expect(
      error?.message.contains("an array of Double and shape [268435456, 268435456] needs 512.0 PiB") == true,
      "\(String(describing: error))")
    #expect(error?.task?.operation == "full" && error?.callSite?.file.contains("OutOfMemoryTests") == true)
  }

  @Test func soIsOneThatIsGenerated() async throws {
    let configuration = SessionConfiguration(threads: 2, progress: SessionConfiguration.Progress.none)
    let error = await #expect(throws: MusterError.self) {
      try await Session.run(configuration) { session in
        _ = try await session.fromFunction(self.shape, chunks: [-1, -1]) { Double($0[0]) }.compute()
      }
    }
    #expect(error?.code == .outOfMemory)
  }

  @Test func bytesBeyondWhatCanBeCountedAreAnErrorToo() {
    let error = #expect(throws: MusterError.self) {
      try AnyNDArray(allocating: .float64, shape: [1 << 40, 1 << 40])
    }
    #expect(error?.message.contains("needs more bytes than there are addresses") == true)
    #expect(throws: Never.self) { try AnyNDArray(allocating: .float64, shape: [1 << 40, 0, 1 << 40]) }
  }
}
