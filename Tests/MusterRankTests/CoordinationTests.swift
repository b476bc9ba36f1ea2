import Testing

/// Locks and the like between tasks on several ranks.
@Suite(.serialized)
struct CoordinationTests {
  private static let lines = [
    "held at a time: at least two true, at most three true",
    "consumed each once: true, in order: true",
    "told: [300.0, 300.0, 300.0], set: true, the program reads 0.5",
    "failed with taskFailed",
    "released by its end",
    "others woken by taskFailed: true",
    "gave up: timedOut, names the lock and who holds it: true",
    "ring: deadlock, names all: true",
    "nobody left: deadlock true",
    "waited in numbers: true",
    "futures: 42 [\"deadlock\", \"deadlock\"]",
    "a time limit: 3 timedOut",
    "the program: a 2 [\"b\"] c deadlock timedOut",
    "an array: 124999750000.0",
    "documented: 2.0, [\"1.0 2.0\", \"2.0 4.0\", \"3.0 6.0\", \"4.0 8.0\", \"5.0 10.0\"]",
  ]

  @Test(arguments: Launch.sizes, ["1", "2"])
  func tasksCoordinate(ranks: Int?, threads: String) throws {
    // With one thread alone nobody contends for a lease, as tasks that don't wait run one after the other.
    if ranks == nil && threads == "1" { return }
    let folder = temporaryFolder("coordination")
    defer { removeFolder(folder) }
    let run = try Launch.run(
      "rank-programs", ["coordinate", folder], ranks: ranks, environment: ["MUSTER_THREADS": threads], limit: 100)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.lines == ["counted to 200 on several ranks: \(ranks != nil)"] + Self.lines, "\(run.output) \(run.errors)")
  }

  /// All ranks have come, and rank 0 waits for them. The deadline is for ranks that don't come.
  @Test func aLongWaitOfTheProgramIsNoDelayOfARank() throws {
    let run = try Launch.run(
      "rank-programs", ["wait-in-program", "8", "1300"], ranks: 3, environment: ["MUSTER_PROGRESS_DEADLINE": "1"],
      limit: 60)
    #expect(run.status == 0 && run.output == "waits ended by [\"timedOut\"]\n", "\(run.output) \(run.errors)")
  }
}
