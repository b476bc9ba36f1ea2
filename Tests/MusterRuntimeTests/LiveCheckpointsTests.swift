import MusterRuntime
import MusterScheduling
import Testing

/// Which checkpoints may be needed again.
struct LiveCheckpointsTests {
  /// Graph `number` has a layer of that number and two results.
  private func submit(
    _ number: Int, checkpoint ledger: UInt32? = nil, of bases: [UInt32] = [], _ live: inout LiveCheckpoints
  ) {
    live.submitted(
      GraphID(number), layers: number..<number + 1, results: .init(count: 2, kept: [0, 1]), ledger: ledger, kept: bases)
  }

  @Test func oneGoesWithItsLastResult() {
    var live = LiveCheckpoints()
    submit(0, checkpoint: 7, &live)
    #expect(live.told([0, 1], of: 7) == [])
    #expect(live.released(1, of: GraphID(0)) == [])
    #expect(live.released(1, of: GraphID(0)) == [7])
    #expect(live.count == 0)
    // Nothing is known of it any more.
    #expect(live.told([0], of: 7) == [] && live.released(1, of: GraphID(0)) == [])
  }

  @Test func oneIsNeededUntilWhatIsMadeOfItIsOnDisk() {
    var live = LiveCheckpoints()
    submit(0, checkpoint: 7, &live)
    submit(1, checkpoint: 8, of: [0], &live)
    #expect(live.released(2, of: GraphID(0)) == [])
    #expect(live.told([0], of: 8) == [])
    // Some pieces may be told of twice.
    #expect(live.told([0], of: 8) == [])
    #expect(live.told([1], of: 8) == [7])
    #expect(live.released(2, of: GraphID(1)) == [8])
    #expect(live.count == 0)
  }

  @Test func oneIsNeededByWhatIsInMemoryOnly() {
    var live = LiveCheckpoints()
    submit(0, checkpoint: 7, &live)
    submit(1, of: [0], &live)
    submit(2, of: [1, 0], &live)
    #expect(live.released(2, of: GraphID(0)) == [])
    #expect(live.released(2, of: GraphID(1)) == [])
    // Of what isn't made of a checkpoint nothing is kept in mind.
    submit(3, &live)
    submit(4, of: [3], &live)
    #expect(live.count == 3)
    #expect(live.released(2, of: GraphID(2)) == [7])
    #expect(live.count == 0)
  }

  /// A graph may have results that are another one's as they are: its checkpoint is theirs.
  @Test func oneIsNeededUnderAnotherName() {
    var live = LiveCheckpoints()
    submit(0, checkpoint: 7, &live)
    #expect(live.told([0, 1], of: 7) == [])
    submit(1, checkpoint: 8, &live)
    // One result made of graph 1, and one of graph 0 as it is.
    live.submitted(
      GraphID(2), layers: 2..<3, results: .init(count: 2, kept: [0], passedOn: [0]), ledger: 9, kept: [1, 0])
    #expect(live.released(2, of: GraphID(0)) == [] && live.released(2, of: GraphID(1)) == [])
    #expect(live.told([0], of: 9) == [8])
    #expect(live.released(2, of: GraphID(2)).sorted() == [7, 9])
    #expect(live.count == 0)
  }

  @Test func aNewCheckpointTakesThePlaceOfThoseBefore() {
    var live = LiveCheckpoints()
    submit(0, checkpoint: 100, &live)
    var dropped: [UInt32] = []
    // A long loop that checkpoints every tenth step, and holds the last one only.
    for step in 1..<100_000 {
      let ledger = step % 10 == 0 ? UInt32(100 + step) : nil
      submit(step, checkpoint: ledger, of: [UInt32(step - 1)], &live)
      dropped += live.released(2, of: GraphID(step - 1))
      if let ledger { dropped += live.told([0, 1], of: ledger) }
      #expect(live.count <= 11)
    }
    #expect(dropped == stride(from: 100, to: 100_090, by: 10).map { UInt32($0) })
  }

  /// Nothing is on disk before the loop is over: the chain is let go of at once, and isn't gone through by recursion.
  @Test func aLongChain() {
    var live = LiveCheckpoints()
    submit(0, checkpoint: 7, &live)
    for step in 1..<100_000 {
      submit(step, of: [UInt32(step - 1)], &live)
      #expect(live.released(2, of: GraphID(step - 1)) == [])
    }
    #expect(live.released(2, of: GraphID(99_999)) == [7])
    #expect(live.count == 0)
  }
}

/// Which files of what is kept beside a journal can go.
struct KeptFilesTests {
  private func submit(_ number: Int, checkpoint ledger: UInt32, of bases: [UInt32] = [], _ files: inout KeptFiles) {
    files.submitted(
      GraphID(number), layers: number..<number + 1, results: .init(count: 1, kept: [0]), ledger: ledger, kept: bases)
  }

  private func due(_ files: inout KeptFiles) -> [UInt32: Set<String>] {
    Dictionary(uniqueKeysWithValues: files.takeDue().map { ($0.ledger, $0.files) })
  }

  @Test func aCollectivesGoWhenItHasEnded() {
    var files = KeptFiles()
    files.began(3)
    files.told([0], of: 3, in: "3-a")
    files.told([1], of: 3, in: "3-b")
    #expect(due(&files) == [:])
    files.ended(3)
    #expect(due(&files) == [3: ["3-a", "3-b"]])
    // What comes to disk later goes, too: each time that something does.
    files.told([2], of: 3, in: "3-a")
    #expect(due(&files) == [3: ["3-a"]])
    #expect(due(&files) == [:] && files.count == 0)
  }

  @Test func aCheckpointsGoWithIt() {
    var files = KeptFiles()
    submit(0, checkpoint: 5, &files)
    files.told([0], of: 5, in: "5-a")
    #expect(due(&files) == [:])
    files.released(1, of: GraphID(0))
    #expect(due(&files) == [5: ["5-a"]])
    // One that is let go of before it has come to disk.
    submit(1, checkpoint: 6, &files)
    files.released(1, of: GraphID(1))
    #expect(due(&files) == [:])
    files.told([0], of: 6, in: "6-a")
    #expect(due(&files) == [6: ["6-a"]])
    #expect(files.count == 0)
  }

  /// A run goes on: what the program hasn't come to yet may still be wanted, what it has come to and let go of isn't.
  @Test func whatEarlierRunsHaveKept() {
    var files = KeptFiles()
    submit(0, checkpoint: 1, &files)
    submit(1, checkpoint: 2, &files)
    files.released(1, of: GraphID(0))
    files.goesOn(after: 4)
    for ledger: UInt32 in 1...5 { files.told([0], of: ledger, in: "\(ledger)-a") }
    // 3 was a collective's.
    #expect(due(&files) == [1: ["1-a"], 3: ["3-a"]])
    #expect(files.mayNeed(2) && !files.mayNeed(1) && !files.mayNeed(3))
    files.released(1, of: GraphID(1))
    #expect(due(&files) == [2: ["2-a"]])
    submit(2, checkpoint: 6, &files)
    files.told([0], of: 6, in: "6-a")
    // All of 4 is on disk already: it doesn't need that of which it was made.
    submit(3, checkpoint: 4, of: [2], &files)
    files.began(5)
    files.released(1, of: GraphID(2))
    #expect(due(&files) == [6: ["6-a"]])
    files.released(1, of: GraphID(3))
    files.ended(5)
    #expect(due(&files) == [4: ["4-a"], 5: ["5-a"]])
    #expect(files.count == 0)
  }
}
