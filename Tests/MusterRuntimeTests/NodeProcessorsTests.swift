import MusterRuntime
import Testing

struct NodeProcessorsTests {
  private func mask(_ processors: some Sequence<Int>) -> ProcessorMask {
    var bytes = [UInt8](repeating: 0, count: ProcessorMask.byteCount)
    for number in processors { bytes[number / 8] |= 1 << (number % 8) }
    return ProcessorMask(bytes: bytes)
  }

  private func threads(_ masks: [ProcessorMask], own: Int, root: Bool = true, limit: Int = 1024) -> Int {
    shared(masks, own: own, root: root, limit: limit).threads
  }

  /// All in one control group, unless `groups` tells them apart.
  private func shared(
    _ masks: [ProcessorMask], own: Int, root: Bool = true, limit: Int = 1024, groups: [UInt64]? = nil
  ) -> NodeProcessors {
    let allowances = masks.indices.map { NodeProcessors.Allowance(mask: masks[$0], group: groups?[$0] ?? 7) }
    return NodeProcessors(allowances, own: own, workers: (root ? 1 : 0)..<masks.count, limit: limit)
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
    let two = shared(masks, own: 2)
    #expect(two.threads == 2 && !two.isOversubscribed)
    #expect(shared(masks + masks, own: 2).isOversubscribed)
    #expect(threads(masks + masks, own: 2) == 1)
  }

  @Test func aControlGroupGrantsLessThanTheMasks() {
    let masks = Array(repeating: mask(0..<64), count: 3)
    let two = shared(masks, own: 1, limit: 8)
    #expect(two.threads == 4 && !two.isOversubscribed)
    #expect(shared(masks, own: 1, limit: 2).isOversubscribed)
  }

  /// As a batch system makes them, one for each of four workers of an 8-core node.
  @Test func aControlGroupOfOnesOwnIsNotTheNodes() {
    let masks = Array(repeating: mask(0..<8), count: 4)
    let own = shared(masks, own: 1, root: false, limit: 2, groups: [1, 2, 3, 4])
    #expect(own.threads == 2 && !own.isOversubscribed)
  }
}
