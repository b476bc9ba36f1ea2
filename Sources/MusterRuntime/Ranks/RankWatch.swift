/// Watches the processes of other ranks on this node. MPI says nothing of a rank that dies, and a launcher ends the job
/// without naming what the rank was doing.
///
/// The lowest rank of each node watches all the others there, the second lowest watches the lowest: so every death
/// but that of a rank alone on its node is seen within a tenth of a second, without a message. `Heartbeat` finds the
/// rest, later.
struct RankWatch {
  private var watched: [(rank: Int, member: Member)]
  private var nextLook = 0
  private static let interval = 100_000_000

  init(_ members: [Member], rank: Int) {
    let own = members[rank]
    let mates = members.indices.filter {
      $0 != rank && members[$0].node == own.node && own.pidNamespace != 0
        && members[$0].pidNamespace == own.pidNamespace && members[$0].startTime != 0
    }
    if Int(own.node) == rank {
      watched = mates.map { ($0, members[$0]) }
    } else if mates.filter({ $0 != Int(own.node) }).allSatisfy({ $0 > rank }) {
      watched = mates.filter { $0 == Int(own.node) }.map { ($0, members[$0]) }
    } else {
      watched = []
    }
  }

  /// The ranks that have died since the last call; looks at most ten times a second, or at once.
  mutating func deaths(now: Int, atOnce: Bool = false) -> [Int] {
    guard atOnce || now >= nextLook else { return [] }
    nextLook = now + Self.interval
    let dead = watched.filter { ProcessStatus.isKnownDead(pid: $0.member.pid, startTime: $0.member.startTime) }
    watched.removeAll { entry in dead.contains { $0.rank == entry.rank } }
    return dead.map(\.rank)
  }
}
