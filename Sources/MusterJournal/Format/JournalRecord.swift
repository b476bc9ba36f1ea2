/// What a journal is a list of.
package enum JournalRecord: Equatable, Sendable {
  /// The first: what was started.
  case start(ProgramIdentity)
  /// A run of the program begins to add to the journal.
  case run(RunRecord)
  /// Names a kind of call. They are numbered from 0, in the order in which they come.
  case words(CallWords)
  /// A collective ended.
  case call(CallRecord)
  /// Pieces of a collective that isn't over, or of what workers keep, are done.
  case pieces(PiecesRecord)
  /// A run has left, with its work not done.
  case drained(DrainRecord)
  /// A run has ended with an error.
  case failed(FailureRecord)
  /// The program has come to the end of its session.
  case end(EndRecord)
  /// So many bytes of what the program has printed have been passed on; some of them after the last collective.
  case printed(UInt64)
  /// The program went on after an error: it has caught it.
  case wentOn

  package var kind: Kind {
    switch self {
    case .start: .start
    case .run: .run
    case .words: .words
    case .call: .call
    case .pieces: .pieces
    case .drained: .drained
    case .end: .end
    case .printed: .printed
    case .wentOn: .wentOn
    case .failed: .failed
    }
  }

  package enum Kind: UInt32, Sendable {
    case start = 1
    case run, words, call, pieces, drained, end, printed, wentOn, failed
  }
}

/// Which program wrote a journal.
package struct ProgramIdentity: Equatable, Sendable {
  /// The name of the program's file and its arguments.
  package var arguments: [String]
  /// The size and checksum of the program's file.
  package var byteCount: UInt64
  package var checksum: UInt32

  package init(arguments: [String], byteCount: UInt64, checksum: UInt32) {
    self.arguments = arguments
    self.byteCount = byteCount
    self.checksum = checksum
  }
}

package struct RunRecord: Equatable, Sendable {
  /// In nanoseconds since 1970.
  package var time: UInt64
  package var host: String
  package var process: UInt32
  /// What the batch system calls the job; empty without one.
  package var job: String
  package var ranks: UInt32

  package init(time: UInt64, host: String, process: UInt32, job: String, ranks: UInt32) {
    self.time = time
    self.host = host
    self.process = process
    self.job = job
    self.ranks = ranks
  }
}

/// The words of a call: the operation, and where in the program it stands.
package struct CallWords: Hashable, Sendable {
  package var operation: String
  package var elementType: String
  /// Empty where it isn't known.
  package var file: String
  package var line: UInt32

  package init(operation: String, elementType: String, file: String, line: UInt32) {
    self.operation = operation
    self.elementType = elementType
    self.file = file
    self.line = line
  }
}

/// A call that the program made.
package struct CallEntry: Equatable, Sendable {
  /// The number of its `CallWords`.
  package var words: UInt32
  /// What the fingerprint was after it, half of it.
  package var fingerprint: UInt64
  package var shape: [Int]
  package var detail: String

  package init(words: UInt32, fingerprint: UInt64, shape: [Int], detail: String) {
    self.words = words
    self.fingerprint = fingerprint
    self.shape = shape
    self.detail = detail
  }
}

/// A collective that ended.
package struct CallRecord: Equatable, Sendable {
  package enum Outcome: Equatable, Sendable {
    /// A value as bytes.
    case value([UInt8])
    /// Blocks: the header of each and the sizes of its storages, which follow one another in the bulk.
    case blocks([BlockParts])
    /// An error, as bytes.
    case failure([UInt8])
  }

  package struct BlockParts: Equatable, Sendable {
    package var header: [UInt8]
    package var sizes: [Int]

    package init(header: [UInt8], sizes: [Int]) {
      self.header = header
      self.sizes = sizes
    }
  }

  /// When it ended, in nanoseconds since 1970.
  package var time: UInt64
  /// Of all calls up to this one, this one included.
  package var fingerprint: (low: UInt64, high: UInt64)
  /// How many calls that are.
  package var callCount: UInt64
  /// How many bytes the program had printed.
  package var outputLength: UInt64
  package var outcome: Outcome
  /// The last calls of those since the collective before, this one included, encoded.
  package var encodedCalls: ArraySlice<UInt8>

  package init(
    time: UInt64, fingerprint: (low: UInt64, high: UInt64), callCount: UInt64, outputLength: UInt64, outcome: Outcome,
    calls: [CallEntry]
  ) {
    self.time = time
    self.fingerprint = fingerprint
    self.callCount = callCount
    self.outputLength = outputLength
    self.outcome = outcome
    var encoder = RecordEncoder()
    encoder.put(UInt32(calls.count))
    for call in calls { call.write(to: &encoder) }
    encodedCalls = encoder.bytes[...]
  }

  init(
    time: UInt64, fingerprint: (low: UInt64, high: UInt64), callCount: UInt64, outputLength: UInt64, outcome: Outcome,
    encodedCalls: ArraySlice<UInt8>
  ) {
    self.time = time
    self.fingerprint = fingerprint
    self.callCount = callCount
    self.outputLength = outputLength
    self.outcome = outcome
    self.encodedCalls = encodedCalls
  }

  package static func == (a: CallRecord, b: CallRecord) -> Bool {
    a.time == b.time && a.fingerprint == b.fingerprint && a.callCount == b.callCount
      && a.outputLength == b.outputLength && a.outcome == b.outcome && a.encodedCalls == b.encodedCalls
  }

  /// The calls, decoded when somebody has to read them.
  package func calls() throws(JournalFault) -> [CallEntry] { try CallEntry.decode(encodedCalls) }
}

/// Pieces of a ledger that are done.
package struct PiecesRecord: Equatable, Sendable {
  /// The number of the ledger that they are of.
  package var ledger: UInt32
  /// How many pieces the whole has; 0 where what was said of the ledger before isn't so any more.
  package var total: UInt32
  /// The fingerprint of all calls up to the one that the ledger is of, half of it. What is said of the same ledger with
  /// another one replaces what was said before.
  package var call: UInt64
  package var pieces: [UInt32]
  /// What it takes to find them again; empty where the number says it.
  package var place: [UInt8]

  package init(ledger: UInt32, total: UInt32, call: UInt64, pieces: [UInt32], place: [UInt8] = []) {
    self.ledger = ledger
    self.total = total
    self.call = call
    self.pieces = pieces
    self.place = place
  }
}

extension PiecesRecord {
  /// What was said of a ledger isn't so any more.
  package init(forgetting ledger: UInt32) { self.init(ledger: ledger, total: 0, call: 0, pieces: []) }
}

package struct DrainRecord: Equatable, Sendable {
  package var time: UInt64
  /// What made it leave, in words.
  package var reason: String

  package init(time: UInt64, reason: String) {
    self.time = time
    self.reason = reason
  }
}

package struct FailureRecord: Equatable, Sendable {
  package var time: UInt64
  /// The error, in words.
  package var text: String

  package init(time: UInt64, text: String) {
    self.time = time
    self.text = text
  }
}

package struct EndRecord: Equatable, Sendable {
  package var time: UInt64
  package var outputLength: UInt64

  package init(time: UInt64, outputLength: UInt64) {
    self.time = time
    self.outputLength = outputLength
  }
}
