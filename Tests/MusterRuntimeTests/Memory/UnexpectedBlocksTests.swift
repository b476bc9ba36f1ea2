import MusterRuntime
import Testing

/// Tasks of which nothing large is expected wait while a large block of one of them hasn't been stored.
struct UnexpectedBlocksTests {
  @Test func lightTasksWaitUntilTheLastLargeBlockIsStored() {
    var blocks = UnexpectedBlocks(smallestBlock: 1000)
    #expect(blocks.isUnexpected(byteCount: 1000, isLight: true))
    #expect(!blocks.isUnexpected(byteCount: 999, isLight: true))
    #expect(!blocks.isUnexpected(byteCount: 1000, isLight: false))
    #expect(blocks.mayBegin(isLight: true))
    blocks.made()
    blocks.made()
    #expect(!blocks.mayBegin(isLight: true))
    #expect(blocks.mayBegin(isLight: false))
    blocks.stored(1)
    #expect(!blocks.mayBegin(isLight: true))
    blocks.stored(1)
    #expect(blocks.mayBegin(isLight: true))
  }

  @Test func nothingIsUnexpectedWithoutALimit() {
    let blocks = UnexpectedBlocks(smallestBlock: nil)
    #expect(!blocks.isUnexpected(byteCount: 1 << 40, isLight: true))
  }
}
