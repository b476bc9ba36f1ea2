/// What a journal holds, found by reading all of it with its checksums.
package struct JournalScan: Equatable, Sendable {
  /// Which program wrote it; nil where not even the first record is whole.
  package var program: ProgramIdentity?
  /// Up to where the file is worth keeping: what follows is torn, or the errors that the last run ended with.
  package var length: UInt64
  /// How many bytes of the file follow that.
  package var cutBytes: UInt64
  /// More follows than was being written when the program, or the machine, stopped.
  package var isDamaged = false
  /// How many bytes at the end aren't whole records.
  package var tornBytes: UInt64 = 0
  /// The kinds of call that are named up to there.
  package var words: [CallWords] = []
  /// How many collectives it has.
  package var callCount = 0
  /// The last of them.
  package var lastCall: LastCall?
  package var runs: [RunRecord] = []
  /// How the last run left, where it drained: also where what it did isn't worth keeping.
  package var drain: DrainRecord?
  /// How the last run ended, where it did with an error: also where that isn't worth keeping.
  package var failure: FailureRecord?
  /// The program has come to its end.
  package var end: EndRecord?
  /// How many bytes the program had printed.
  package var outputLength: UInt64 = 0
  /// How many bytes of that have been passed on, and more where the program had printed since.
  package var printedLength: UInt64 = 0
  /// The pieces that are done, by ledger.
  package var pieces: [UInt32: Pieces] = [:]

  /// The ledgers of which something was said since the last collective ended.
  package var activeLedgers: Set<UInt32> = []

  package struct LastCall: Equatable, Sendable {
    package var time: UInt64
    /// Its words; nil where the journal doesn't say.
    package var words: CallWords?
  }

  package struct Pieces: Equatable, Sendable {
    package var total: UInt32
    /// Which call they are of.
    package var call: UInt64
    package var done: Set<UInt32>
  }

  /// Reads a journal.
  ///
  /// Errors that collectives ended with count where the program went on after them: it may have caught them. Those at the
  /// end are what it ended with: they are cut off, so that the calls are made again.
  ///
  /// - Throws: `missing`, `system`, `foreign`, `version`.
  package init(path: String) throws(JournalFault) {
    let reader = try JournalReader(path: path)
    length = reader.position
    cutBytes = 0
    var kept = Mark(self)
    while let entry = try reader.next() {
      guard try reader.isWhole(entry) else { break }
      add(entry.record)
      length = entry.end
      switch entry.record {
      case .call(let call):
        if case .failure = call.outcome {
          // What was printed before it stays so; what the next run prints after it may be something else.
          if callCount == kept.callCount + 1 { kept.mostPrinted = call.outputLength }
        } else {
          kept = Mark(self)
        }
      case .wentOn: kept = Mark(self)
      default: if callCount == kept.callCount { kept = Mark(self) }
      }
    }
    // Several records' worth of bytes that aren't one: not only what was being written at the end.
    tornBytes = reader.length - length
    isDamaged = tornBytes > Self.mostTornBytes
    if end == nil { goBack(to: kept) }
    cutBytes = reader.length - length
  }

  /// Where what a journal has may end.
  private struct Mark {
    var length: UInt64
    var callCount: Int
    var wordCount: Int
    var runCount: Int
    var lastCall: LastCall?
    var outputLength: UInt64
    var printedLength: UInt64
    /// How much of what is printed from here on is printed again by the next run.
    var mostPrinted = UInt64.max

    init(_ scan: JournalScan) {
      length = scan.length
      callCount = scan.callCount
      wordCount = scan.words.count
      runCount = scan.runs.count
      lastCall = scan.lastCall
      outputLength = scan.outputLength
      printedLength = scan.printedLength
    }
  }

  private mutating func goBack(to mark: Mark) {
    length = mark.length
    callCount = mark.callCount
    words.removeSubrange(mark.wordCount...)
    runs.removeSubrange(mark.runCount...)
    lastCall = mark.lastCall
    outputLength = mark.outputLength
    printedLength = max(mark.printedLength, min(printedLength, mark.mostPrinted))
  }

  /// No more than a few small records are being written at a time.
  private static let mostTornBytes: UInt64 = 8 << 20

  private mutating func add(_ record: JournalRecord) {
    switch record {
    case .start(let program): self.program = program
    case .run(let run):
      runs.append(run)
      drain = nil
      failure = nil
    case .words(let words): self.words.append(words)
    case .call(let call):
      callCount += 1
      activeLedgers = []
      outputLength = call.outputLength
      let words = (try? call.calls())?.last.flatMap {
        self.words.indices.contains(Int($0.words)) ? self.words[Int($0.words)] : nil
      }
      lastCall = LastCall(time: call.time, words: words)
    case .pieces(let record):
      activeLedgers.insert(record.ledger)
      // The program has been changed since.
      if record.total == 0 || pieces[record.ledger]?.call != record.call { pieces[record.ledger] = nil }
      guard record.total > 0 else { break }
      pieces[record.ledger, default: Pieces(total: record.total, call: record.call, done: [])].done.formUnion(
        record.pieces.filter { $0 < record.total })
    case .drained(let drain): self.drain = drain
    case .failed(let failure): self.failure = failure
    case .printed(let length): printedLength = length
    case .wentOn: break
    case .end(let end):
      self.end = end
      outputLength = end.outputLength
    }
  }
}
