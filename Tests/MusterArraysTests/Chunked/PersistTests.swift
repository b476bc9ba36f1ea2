import Glibc
import Muster
import Synchronization
import Testing

@Suite struct PersistTests {
  private static let quiet = SessionConfiguration(
    backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)

  @Test func chunksAreComputedOnceAndServeEveryUse() async throws {
    final class Count: Sendable { let value = Atomic<Int>(0) }
    try await Session.run(Self.quiet) { session in
      let count = Count()
      let raw = session.arange(0.0, 24.0, chunks: [5]).reshaped([4, 6])
      let array = raw.mapBlocks { block in
        count.value.add(1, ordering: .relaxed)
        return block
      }
      let kept = try array.persist()
      #expect(kept.shape == [4, 6])
      let (sum, whole) = try await session.compute(kept.sum(), kept)
      // All of it has been computed by now.
      let chunks = count.value.load(ordering: .relaxed)
      #expect(chunks > 1 && chunks <= 24)
      #expect(sum.item() == 276 && whole.elements == (0..<24).map(Double.init))
      #expect(try await kept[1..<3, 2...].compute().elements == [8, 9, 10, 11, 14, 15, 16, 17])
      #expect(try await (kept * 2).transposed().rechunked([2, 2]).max().compute().item() == 46)
      #expect(try await kept.matmul(kept.transposed()).compute().shape == [4, 4])
      let (_, s, _) = kept.transposed().svd()
      #expect(try await s.compute().shape == [4])
      #expect(count.value.load(ordering: .relaxed) == chunks)
      // Kept arrays of kept arrays, several at once.
      let (a, b) = try session.persist(kept + 1, kept.mean(axis: 0))
      #expect(try await session.compute(a.sum(), b.sum()).0.item() == 300)
      #expect(count.value.load(ordering: .relaxed) == chunks)
      // The array that it was made of is as it was.
      _ = try await array.sum().compute()
      #expect(count.value.load(ordering: .relaxed) == 2 * chunks)
    }
  }

  @Test func whatIsCancelledIsNotComputed() async throws {
    final class State: Sendable {
      let begun = Atomic<Int>(0)
      let isOpen = Atomic<Bool>(false)
    }
    try await Session.run(Self.quiet) { session in
      let state = State()
      let array = session.arange(0.0, 400.0, chunks: [2]).mapBlocks { block in
        state.begun.add(1, ordering: .relaxed)
        while !state.isOpen.load(ordering: .acquiring) { usleep(200) }
        return block
      }
      let kept = try array.persist()
      let other = try (array + 1).persist()
      let doubled = kept * 2
      try kept.cancel()
      try other.cancel()
      await #expect { try await doubled.sum().compute() } throws: { ($0 as? MusterError)?.code == .cancelled }
      await #expect { try await session.submit(other) { _ in 1 }.value() } throws: {
        ($0 as? MusterError)?.code == .cancelled
      }
      state.isOpen.store(true, ordering: .releasing)
      #expect(try await session.ones([3], as: Double.self).sum().compute().item() == 3)
      // Two threads were at it.
      #expect(state.begun.load(ordering: .relaxed) <= 4)
      #expect { try doubled.cancel() } throws: { ($0 as? MusterError)?.code == .invalidArgument }
      // The array that it was made of is as it was.
      #expect(try await array.sum().compute().item() == 79_800)
    }
  }

  @Test func mistakesAreThrownAtOnceOrByTheirUsers() async throws {
    try await Session.run(Self.quiet) { session in
      let a = session.ones([2, 3], as: Double.self)
      #expect { try (a + session.ones([4], as: Double.self)).persist() } throws: {
        ($0 as? MusterError)?.code == .shapeMismatch
      }
      let failing = try a.mapBlocks { (_: NDArray<Double>) -> NDArray<Double> in throw MusterError(.diskFull, "no room")
      }.persist()
      await #expect { try await failing.sum().compute() } throws: { ($0 as? MusterError)?.code == .diskFull }
      #expect(try await a.sum().compute().item() == 6)
    }
  }
}
