internal import MusterUnits

/// Blocks that can't leave memory.
extension BlockStore {
  /// What blocks hold that can't leave memory, in bytes.
  package var fixedBytes: Int { smallBytes + stayingBytes }

  /// Why tasks fail that would make more, where blocks that can't leave memory are beyond the limit; else nil.
  var crowding: MusterError? {
    let bytes = fixedBytes
    guard bytes > marks.limit else { return nil }
    var kinds: [String] = []
    if smallBytes > 0 {
      kinds.append("\(small.count) blocks of less than \(ByteSize.text(marks.smallestBlock)), which stay in memory")
    }
    if stayingBytes > 0 {
      let reason = stayingReason.map { " (\($0))" } ?? ""
      kinds.append("\(entries.values.count { $0.mustStay }) blocks that stay since they can't be written\(reason)")
    }
    return MusterError(
      .outOfMemory,
      "\(kinds.joined(separator: " and ")) hold \(ByteSize.text(bytes)) (\(bytes) bytes), and the worker's memory limit"
        + " leaves \(ByteSize.text(marks.limit)) (\(marks.limit) bytes) for blocks",
      fix: (smallBytes >= stayingBytes
        ? "Use larger chunks or partitions, which go to disk, or let go of results that aren't needed"
        : "Return Codable values or arrays, which go to disk, or let go of results that aren't needed")
        + "; or give more memory (MUSTER_MEMORY_LIMIT or SessionConfiguration.memoryLimit) where there is some, or more ranks"
    )
  }
}
