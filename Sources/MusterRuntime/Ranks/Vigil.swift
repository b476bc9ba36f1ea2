internal import CMPI
internal import Glibc

/// Beats between the ranks outside of sessions: while they leave one, while each goes on by itself, while some wait for
/// the next one to start or for the program to end.
///
/// Used on MPI's thread only, and only where Muster started MPI: else the program may be calling it meanwhile.
struct Vigil: Sendable {
  /// `Transport` and `SessionStart` have those below. An empty message is a beat; one with a byte says that the sender
  /// ends the job.
  private static let tag: Int32 = 4

  private let comm: cmpi_comm
  private let rank: Int
  private let nodeNames: [String]
  private let patience: Int
  private let peers: Range<Int>
  private var heartbeat: Heartbeat
  private var sending: [cmpi_request] = []
  private var isBeingEnded = false
  /// How many nanoseconds may pass between two calls of `tick`.
  let interval: Int

  /// - Returns: nil where no rank is ever taken for dead, or the program has MPI.
  init?(_ world: World) {
    guard world.ownsMPI, let patience = world.heartbeatPatience else { return nil }
    comm = world.comm
    rank = world.rank
    nodeNames = world.nodeNames
    self.patience = patience
    peers = rank == 0 ? 1..<world.size : 0..<1
    interval = world.heartbeatInterval / 8
    heartbeat = Heartbeat(
      peers: peers, interval: world.heartbeatInterval,
      patience: patience + Heartbeat.precedence(of: rank), now: MonotonicClock.nanoseconds)
  }

  /// Beats, listens, and ends the job where a rank has fallen silent.
  mutating func tick(now: Int) {
    dropWhatHasGone()
    listen()
    guard !isBeingEnded else { return }
    for action in heartbeat.tick(now: now) {
      switch action {
      case .beat:
        for peer in peers { send(byteCount: 0, to: peer) }
      case .silent(let ranks):
        end(silent: ranks)
      }
    }
  }

  private mutating func dropWhatHasGone() {
    sending.removeAll { request in
      var request = request
      var flag: Int32 = 0
      MPI.check(cmpi_test(&request, &flag), "MPI_Test")
      return flag != 0
    }
  }

  private mutating func listen() {
    while true {
      var flag: Int32 = 0
      var status = cmpi_status()
      MPI.check(cmpi_iprobe_any_source(Self.tag, comm, &flag, &status), "MPI_Iprobe")
      guard flag != 0 else { return }
      var byte: UInt8 = 0
      MPI.check(cmpi_recv(&byte, 1, status.source, Self.tag, comm), "MPI_Recv")
      heartbeat.heard(from: Int(status.source))
      // The launcher ends this rank next.
      if status.byte_count > 0 { isBeingEnded = true }
    }
  }

  /// The byte of a farewell, never freed: MPI may read it at any time. Safe from any thread, since nobody writes it.
  nonisolated(unsafe) private static let farewell: UnsafeRawPointer = {
    let byte = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
    byte.initialize(to: 1)
    return UnsafeRawPointer(byte)
  }()

  private mutating func send(byteCount: Int, to destination: Int) {
    var request: cmpi_request = 0
    MPI.check(cmpi_isend(Self.farewell, Int32(byteCount), Int32(destination), Self.tag, comm, &request), "MPI_Isend")
    sending.append(request)
  }

  private mutating func end(silent ranks: [Int]) -> Never {
    for other in 0..<nodeNames.count where other != rank && !ranks.contains(other) { send(byteCount: 1, to: other) }
    let named = ranks.prefix(16).map { "rank \($0) (node \(nodeNames[$0]))" }.joined(separator: ", ")
    let more = ranks.count > 16 ? " and \(ranks.count - 16) more" : ""
    FatalEnd.end(
      "nothing has come for \(Duration.nanoseconds(patience).text) from \(named)\(more), outside of any session: stopped or"
        + " gone, or its node is. To wait longer raise MUSTER_HEARTBEAT_PATIENCE (0: for ever)", comm: comm)
  }

  /// Takes what nobody waits for any more, and lets go of what has been sent.
  mutating func close() {
    listen()
    dropWhatHasGone()
  }
}
