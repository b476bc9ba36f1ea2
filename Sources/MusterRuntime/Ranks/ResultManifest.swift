/// How the blocks of a collective's results go to every rank: headers and small parts in one message, the large parts
/// by broadcast.
enum ResultManifest {
  /// On rank 0: the message, and the parts to broadcast.
  ///
  /// - Parameter blocks: the parts of each, as they came from its holder: what crosses a second time isn't encoded again,
  ///   so that every rank decodes the same bytes.
  static func make(_ blocks: [EncodedBlock]) -> (
    bytes: [UInt8], parts: [(storage: BlockStorage, offset: Int, byteCount: Int)]
  ) {
    let buffer = WireBuffer()
    var parts: [(storage: BlockStorage, offset: Int, byteCount: Int)] = []
    for block in blocks {
      buffer.put(bytes: block.header)
      buffer.put(block.storages.count)
      for storage in block.storages {
        buffer.put(storage.byteCount)
        if storage.byteCount <= Transport.inlineLimit {
          buffer.append(raw: UnsafeRawBufferPointer(start: storage.bytes, count: storage.byteCount))
        } else {
          parts.append((storage, 0, storage.byteCount))
        }
      }
    }
    return (Array(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.count)), parts)
  }

  /// On the others: what each result consists of, with memory for the parts that the broadcast will fill.
  static func read(_ bytes: [UInt8], count: Int) -> (
    results: [EncodedBlock],
    parts: [(storage: BlockStorage, offset: Int, byteCount: Int)]
  ) {
    bytes.withUnsafeBytes { raw in
      var reader = WireReader(raw)
      var parts: [(storage: BlockStorage, offset: Int, byteCount: Int)] = []
      let results = (0..<count).map { _ in
        let header = Array(reader.getBytes())
        let storages = (0..<reader.get(Int.self)).map { _ in
          let storage = BlockStorage(byteCount: reader.get(Int.self))
          if storage.byteCount <= Transport.inlineLimit {
            reader.copy(to: storage.bytes, byteCount: storage.byteCount)
          } else {
            parts.append((storage, 0, storage.byteCount))
          }
          return storage
        }
        return EncodedBlock(header: header, storages: storages)
      }
      return (results, parts)
    }
  }
}
