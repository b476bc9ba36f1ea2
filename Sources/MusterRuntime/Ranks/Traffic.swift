internal import Synchronization

/// What has come to this rank from others, for tests: whether data crossed, and in how many pieces.
final class Traffic: Sendable {
  private let blockBytes = Atomic<Int>(0)
  private let blockPieces = Atomic<Int>(0)
  private let packetPieces = Atomic<Int>(0)
  private let broadcastPieces = Atomic<Int>(0)

  func block(bytes: Int, pieces: Int) {
    blockBytes.add(bytes, ordering: .relaxed)
    blockPieces.add(pieces, ordering: .relaxed)
  }

  func pieceOfPacket() { packetPieces.add(1, ordering: .relaxed) }
  func pieceOfBroadcast() { broadcastPieces.add(1, ordering: .relaxed) }

  var counts: TrafficCounts {
    TrafficCounts(
      blockBytes: blockBytes.load(ordering: .relaxed), blockPieces: blockPieces.load(ordering: .relaxed),
      packetPieces: packetPieces.load(ordering: .relaxed), broadcastPieces: broadcastPieces.load(ordering: .relaxed))
  }
}

package struct TrafficCounts: Sendable {
  /// The bytes of the blocks that another rank sent.
  package var blockBytes = 0
  /// The MPI messages that the bulk of blocks came in.
  package var blockPieces = 0
  /// The MPI messages that were each only a part of a packet.
  package var packetPieces = 0
  /// The broadcasts that results came in, or on rank 0 went out in.
  package var broadcastPieces = 0
}
