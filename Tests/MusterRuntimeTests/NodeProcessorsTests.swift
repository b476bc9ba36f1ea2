import MusterRuntime
import Testing

struct NodeProcessorsTests {
  private func mask(_ processors: some Sequence<Int>) -> ProcessorMask {
    var bytes = [UInt8](repeating: 0, count: ProcessorMask.byteCount)
    for number in processors { bytes[number / 8] |= 1 << (number % 8) }
    return ProcessorMask(bytes: bytes)
  }

  private func threads(_ masks: [ProcessorMask], own: Int, root: Bool = true, limit: Int = 1024) -> Int {
    NodeProcessors(masks: masks, own: own, workers: (root ? 1 : 0)..<masks.count, limit: limit).threads
  }

  @Test func workersThatAreNotBoundShareTheNode() {
    let masks = Array(repeating: mask(0..<16), count: 5)
    #expect(threads(masks, own: 1) == 4)
    #expect(threads(masks, own: 4, root: false) == 3)
  }

  @Test func boundWorkersHaveTheirOwn() {
    let masks = (0..<4).map { mask(4 * $0..<4 * $0 + 4) }
    #expect((1..<4).map { threads(masks, own: $0) } == [4, 4, 4])
  }

  /// Two sockets of 16, nine ranks in turn: the first has rank 0 and four workers, the second four.
  @Test func workersOfASocketShareIt() {
    let masks = (0..<9).map { $0 % 2 == 0 ? mask(0..<16) : mask(16..<32) }
    #expect((1..<9).allSatisfy { threads(masks, own: $0) == 4 })
  }

  /// 4 of the 64 processors of the machine.
  @Test func theMaskOfAContainerIsShared() {
    let masks = Array(repeating: mask(8..<12), count: 3)
    let shared = NodeProcessors(masks: masks, own: 2, workers: 1..<3, limit: 64)
    #expect(shared.threads == 2 && !shared.isOversubscribed)
    #expect(NodeProcessors(masks: masks + masks, own: 2, workers: 1..<6, limit: 64).isOversubscribed)
    #expect(threads(masks + masks, own: 2) == 1)
  }

  @Test func aControlGroupGrantsLessThanTheMasks() {
    let masks = Array(repeating: mask(0..<64), count: 3)
    let shared = NodeProcessors(masks: masks, own: 1, workers: 1..<3, limit: 8)
    #expect(shared.threads == 4 && !shared.isOversubscribed)
    #expect(NodeProcessors(masks: masks, own: 1, workers: 1..<3, limit: 2).isOversubscribed)
  }

  @Test func hashingIsDeterministicWhereSwiftSaysSo() {
    for (value, isSet) in [("1", true), ("true", true), ("0", false), ("", false), ("on", false), ("no", false)] {
      #expect(Session.hasDeterministicHashing(["SWIFT_DETERMINISTIC_HASHING": value]) == isSet, "\(value)")
    }
    #expect(!Session.hasDeterministicHashing([:]))
  }
}
