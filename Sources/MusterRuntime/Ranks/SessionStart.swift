internal import CMPI

/// Who has come to the start of a session: the collective in which the ranks meet tells nothing before all have. Each
/// sends rank 0 an empty message first.
///
/// Not `Sendable`: used on MPI's thread.
struct SessionStart {
  private let connection: Connection
  private let deadline: Int?
  private var request: cmpi_request?
  /// On rank 0: the others that have come.
  private var present: Set<Int> = []

  /// `Transport` has those below.
  private static let tag: Int32 = 3
  /// How much longer rank 1 waits than rank 0, which knows more.
  private static let advance = 2_000_000_000

  /// - Parameter deadline: how many nanoseconds the ranks wait here; nil where they do for ever.
  init(_ connection: Connection, deadline: Int?) {
    self.connection = connection
    self.deadline = deadline
    guard connection.rank != 0 else { return }
    var made: cmpi_request = 0
    MPI.check(cmpi_isend(nil, 0, 0, Self.tag, connection.comm, &made), "MPI_Isend")
    request = made
  }

  /// Ends the job where the deadline has passed.
  mutating func check(waited: Int) {
    guard let deadline, waited > deadline else { return }
    let time = Duration.nanoseconds(deadline).text
    if connection.rank == 0 {
      while receive() {}
      let missing = (1..<connection.size).filter { !present.contains($0) }
      let names = missing.prefix(16).map { "rank \($0) (node \(connection.nodeNames[$0]))" }.joined(separator: ", ")
      let text =
        missing.isEmpty
        ? "the ranks came to the start of a session, but within \(time) it didn't start: one may be stopped. Look for it"
        : "\(names)\(missing.count > 16 ? " and \(missing.count - 16) more" : "") didn't come to the start of a session"
          + " within \(time), where others wait. Look whether it is stopped"
      FatalEnd.end(
        "\(text), or raise MUSTER_PROGRESS_DEADLINE where the work between two sessions takes longer",
        comm: connection.comm)
    }
    // Rank 0 would have said who is missing.
    if connection.rank == 1, waited > deadline + Self.advance {
      FatalEnd.end(
        "rank 0 (node \(connection.nodeNames[0])) didn't come to the start of a session within"
          + " \(Duration.nanoseconds(deadline + Self.advance).text), where others wait. Look whether it is stopped, or raise"
          + " MUSTER_PROGRESS_DEADLINE where the work between two sessions takes longer", comm: connection.comm)
    }
  }

  /// All have met for a session: what they sent has come, or is about to.
  mutating func end() {
    if connection.rank == 0 {
      while present.count < connection.size - 1 { _ = receive() }
    } else if var request {
      var flag: Int32 = 0
      while flag == 0 { MPI.check(cmpi_test(&request, &flag), "MPI_Test") }
    }
  }

  /// Returns whether a message was there.
  private mutating func receive() -> Bool {
    var flag: Int32 = 0
    var status = cmpi_status()
    MPI.check(cmpi_iprobe_any_source(Self.tag, connection.comm, &flag, &status), "MPI_Iprobe")
    guard flag != 0 else { return false }
    MPI.check(cmpi_recv(nil, 0, status.source, Self.tag, connection.comm), "MPI_Recv")
    present.insert(Int(status.source))
    return true
  }
}
