import Foundation
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
      error?.message.contains("task full[0] can't fit: it makes 512.0 PiB") == true,
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

  /// Where there is memory for a block, but not for a second one. In a process of its own, whose memory is bounded.
  @Test func soAreCopiesOfABlockInATask() async {
    await #expect(processExitsWith: .success) {
      let configuration = SessionConfiguration(threads: 1, progress: SessionConfiguration.Progress.none)
      try await Session.run(configuration) { session in
        // 1 GiB, which nobody touches.
        let block = session.zeros([1], as: Double.self).mapBlocks(chunks: [[8192], [16384]]) { _, _ in
          NDArray<Double>(shape: [8192, 16384]) { _ in }
        }
        boundAddressSpace(toFurther: 3 << 29)
        let copies = [
          block.transposed(), block[1...], block[0..., .stride(by: -1)],
          block.reshaped([1 << 24, 8]).sum(axis: 1).transposed(),
        ]
        for copy in copies {
          let error = await musterError { _ = try await copy.compute() }
          precondition(error?.code == .outOfMemory && error?.task != nil, "\(String(describing: error))")
        }
      }
    }
  }

  @Test func bytesBeyondWhatCanBeCountedAreAnErrorToo() {
    let error = #expect(throws: MusterError.self) {
      try AnyNDArray(allocating: .float64, shape: [1 << 40, 1 << 40])
    }
    #expect(error?.message.contains("needs more bytes than there are addresses") == true)
    let large = #expect(throws: MusterError.self) { try AnyNDArray(allocating: .float64, shape: shape) }
    #expect(
      large?.message.contains("an array of Double and shape [268435456, 268435456] needs 512.0 PiB") == true,
      "\(String(describing: large))")
    #expect(throws: Never.self) { try AnyNDArray(allocating: .float64, shape: [1 << 40, 0, 1 << 40]) }
  }
}

/// Lets this process have that much more address space than it has.
private func boundAddressSpace(toFurther bytes: UInt) {
  let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").first
  let used = UInt(pages ?? "0")! * UInt(sysconf(Int32(_SC_PAGESIZE)))
  var limit = rlimit(rlim_cur: used + bytes, rlim_max: used + bytes)
  precondition(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
}
