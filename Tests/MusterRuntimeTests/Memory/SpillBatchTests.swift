import MusterRuntime
import Testing

struct SpillBatchTests {
  /// A block whose bulk is written from where it is, or as a copy that it makes.
  private struct Bulk: Block {
    var storage: BlockStorage
    var copies: Bool
    var byteCount: Int { storage.byteCount }
    func encode(into encoder: inout BlockEncoder) {
      encoder.append(copies ? BlockStorage(byteCount: byteCount) : storage, byteCount: byteCount)
    }
    static func decode(from decoder: inout BlockDecoder) throws -> Bulk {
      Bulk(storage: try decoder.readStorage(), copies: false)
    }
  }

  /// What a block copies of itself is memory that nobody else counts: a batch holds little of it.
  @Test(arguments: [true, false]) func copiesCount(copies: Bool) throws {
    var batch = SpillBatch()
    let size = 1 << 20
    for number in 1...3 {
      try batch.append(Bulk(storage: BlockStorage(byteCount: size), copies: copies))
      #expect(copies ? batch.copiedBytes > number * size : batch.copiedBytes < number * 64 << 10)
    }
  }
}
