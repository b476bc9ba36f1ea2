import CMPI
import Muster

/// A program that has started MPI itself, as a simulation code does.
enum OwnMPI {
  static func run(_ levelName: String) async throws {
    let levels = [
      "single": CMPI_SINGLE, "funneled": CMPI_FUNNELED, "serialized": CMPI_SERIALIZED, "multiple": CMPI_MULTIPLE,
    ]
    guard let level = levels[levelName] else { throw MusterError(.invalidArgument, "no such level '\(levelName)'") }
    var provided = CMPI_SINGLE
    cmpi_init(level, &provided)
    guard provided == level else { throw MusterError(.internal, "asked for \(level), got \(provided)") }
    var world: cmpi_comm = 0
    cmpi_comm_world(&world)

    for round in 0..<2 {
      try await Session.run { session in
        var total = try await Self.sum(session)
        // The program's own calls while Muster's thread makes its.
        if level == CMPI_MULTIPLE { total += Self.fromRoot(7, world) }
        print("round \(round): \(total) on \(session.rankCount) ranks")
      }
    }
    guard Self.fromRoot(5, world) == 5, cmpi_finalize() == 0 else {
      throw MusterError(.internal, "MPI isn't the program's any more")
    }
    do {
      try await Session.run { _ in }
    } catch let error as MusterError { print(error.code, error.fix) }
  }

  private static func sum(_ session: Session) async throws -> Int {
    let blocks = try await session.compute(Basics.sumPlan(count: 1000))
    return (blocks[0] as? IntegerBlock)?.value ?? -1
  }

  /// `value` of rank 0, by the program's own broadcast.
  private static func fromRoot(_ value: Int, _ comm: cmpi_comm) -> Int {
    var rank: Int32 = -1
    cmpi_comm_rank(comm, &rank)
    var shared = rank == 0 ? value : 0
    cmpi_bcast(&shared, 8, 0, comm)
    return shared
  }
}
