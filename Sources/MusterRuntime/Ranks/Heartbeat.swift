/// Tells from the messages of other ranks which of them has fallen silent. A value: time is an argument.
///
/// Every rank sends a beat each interval, from the thread that makes its MPI calls, whatever its tasks and its program do
/// meanwhile; any other message counts as a beat too. A rank is silent when it hasn't been heard for the time of
/// patience. Only time in which this rank itself was there counts: a rank that was stopped, or held up, for an hour
/// doesn't take the others to have been silent for an hour.
package struct Heartbeat {
  package enum Action: Equatable {
    /// It's time to send a beat to every peer.
    case beat
    /// These ranks are silent, in ascending order.
    case silent([Int])
  }

  private let peers: Range<Int>
  private let interval: Int
  private let patience: Int?
  /// Nanoseconds in which this rank was there.
  private var awake = 0
  /// When each peer was last heard, on the clock of `awake`.
  private var lastHeard: [Int]
  private var lastTick: Int
  private var nextTick: Int
  private var nextBeat: Int
  private var isOver = false

  /// - Parameters:
  ///   - peers: the ranks to send beats to and to listen to.
  ///   - interval: nanoseconds between two beats.
  ///   - patience: nanoseconds without a message after which a peer is silent; nil where nobody ever is.
  package init(peers: Range<Int>, interval: Int, patience: Int?, now: Int) {
    self.peers = peers
    self.interval = max(interval, 8)
    self.patience = patience
    lastHeard = Array(repeating: 0, count: peers.count)
    lastTick = now
    nextTick = now
    nextBeat = now
  }

  /// How many nanoseconds longer than the patience a rank waits: one worker after the other finds that rank 0 is silent,
  /// and the first one says so, and ends the job.
  package static func precedence(of rank: Int) -> Int { min(rank, 40) * 50_000_000 }

  /// A message of a rank has come.
  package mutating func heard(from rank: Int) {
    if peers.contains(rank) { lastHeard[rank - peers.lowerBound] = awake }
  }

  /// To be called again and again, after the messages that have come were read.
  package mutating func tick(now: Int) -> [Action] {
    guard now >= nextTick, !isOver else { return [] }
    // However long ago the last tick was: more than this can't have been watched.
    awake += min(now - lastTick, interval / 4)
    lastTick = now
    nextTick = now + interval / 8
    var actions: [Action] = []
    if now >= nextBeat {
      nextBeat = now + interval
      actions.append(.beat)
    }
    if let patience, lastHeard.contains(where: { awake - $0 > patience }) {
      isOver = true
      // Those that stopped with it, as ranks of one node do, sent their last beat up to an interval later.
      actions.append(.silent(peers.filter { awake - lastHeard[$0 - peers.lowerBound] > patience - interval }))
    }
    return actions
  }
}
