import MusterRuntime
import Testing

/// In which order the processes of a node leave.
@Suite struct TurnToLeaveTests {
  @Test func threeTurnsUnderOpenMPI() {
    let turns = (0..<5).map { TurnToLeave.number(["OMPI_COMM_WORLD_LOCAL_RANK": "\($0)"]) }
    #expect(turns == [0, 1, 2, 2, 2])
  }

  @Test func atOnceUnderOtherLaunchers() {
    #expect(TurnToLeave.number(["PMI_RANK": "3", "SLURM_LOCALID": "3"]) == 0)
    #expect(TurnToLeave.number(["OMPI_COMM_WORLD_LOCAL_RANK": "none"]) == 0)
  }
}
