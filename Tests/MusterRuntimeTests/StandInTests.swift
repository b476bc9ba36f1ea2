import MusterRuntime
import MusterScheduling
import Testing

@Suite struct StandInTests {
  private let run = TaskRun(TaskID(layer: 1, index: 2), 3)

  @Test func nobodyStandsInForATaskThatIsBrief() {
    var standIn = StandIn()
    standIn.begin(run, at: 100)
    #expect(!standIn.isDue(at: 100 + StandIn.patience))
    let reply = standIn.end()
    #expect(reply == nil)
    #expect(!standIn.isDue(at: .max))
  }

  @Test func aLongOneIsStoodInForUntilItEnds() throws {
    var standIn = StandIn()
    standIn.begin(run, at: 100)
    #expect(standIn.isDue(at: 101 + StandIn.patience))
    standIn.takeOver()
    #expect(standIn.isStanding && !standIn.isRecalled && !standIn.isDue(at: .max))
    let recalled = standIn.end()
    let reply = try #require(recalled)
    #expect(standIn.isStanding && standIn.isRecalled)
    standIn.handBack()
    #expect(!standIn.isStanding && reply.wait() == .handedBack)
  }

  @Test func oneThatWaitsIsStoodInForAtOnce() {
    var standIn = StandIn()
    var isIt = standIn.waits(run)
    #expect(!isIt)
    standIn.begin(run, at: 100)
    isIt = standIn.waits(TaskRun(run.task, 4))
    #expect(!isIt && !standIn.isDue(at: 100))
    isIt = standIn.waits(run)
    #expect(isIt && standIn.isDue(at: 100))
    standIn.takeOver()
    isIt = standIn.waits(run)
    #expect(isIt && !standIn.isDue(at: .max))
  }

  @Test(arguments: [true, false]) func afterTheSessionsEndTheOtherStays(endsFirst: Bool) throws {
    var standIn = StandIn()
    standIn.begin(run, at: 0)
    standIn.takeOver()
    let early = endsFirst ? standIn.end() : nil
    standIn.succeed()
    let late = endsFirst ? nil : standIn.end()
    let reply = try #require(early ?? late)
    #expect(reply.wait() == .succeeded)
    #expect(!standIn.isStanding)
  }

  @Test func oneThreadLooksAfterThoseThatFollowEachOther() {
    var standIn = StandIn()
    var watches = standIn.beginWatch()
    #expect(!watches)
    standIn.begin(run, at: .max)
    _ = standIn.end()
    // It has ended already: the next one is likely to come soon.
    watches = standIn.beginWatch()
    let another = standIn.beginWatch()
    #expect(watches && standIn.isWatched && !another)
    standIn.begin(run, at: .max)
    _ = standIn.end()
    watches = standIn.goesOnWatching()
    #expect(watches)
    watches = standIn.goesOnWatching()
    #expect(!watches)
    standIn.endWatch()
    watches = standIn.beginWatch()
    #expect(!watches && !standIn.isWatched)
  }
}
