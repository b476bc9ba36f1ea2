import MusterRuntime
import Testing

/// In which order the processes of a node leave.
@Suite struct DrainedEndTests {
  @Test func threeTurnsUnderOpenMPI() {
    let turns = (0..<5).map { DrainedEnd.turn(["OMPI_COMM_WORLD_LOCAL_RANK": "\($0)"]) }
    #expect(turns == [0, 1, 2, 2, 2])
  }

  @Test func atOnceUnderOtherLaunchers() {
    #expect(DrainedEnd.turn(["PMI_RANK": "3", "SLURM_LOCALID": "3"]) == 0)
    #expect(DrainedEnd.turn(["OMPI_COMM_WORLD_LOCAL_RANK": "none"]) == 0)
  }
}
