extension JournalRecord {
  /// What stands at the start of the file: eight letters, the version, and nothing.
  package static let preamble: [UInt8] =
    Array("MUSTERJL".utf8) + withUnsafeBytes(of: version.littleEndian) { Array($0) } + [0, 0, 0, 0]
  package static let version: UInt32 = 6

  /// The head. The bulk of a call's blocks is the caller's to add.
  package var head: [UInt8] {
    var encoder = RecordEncoder()
    writeHead(to: &encoder)
    return encoder.bytes
  }

  package func writeHead(to encoder: inout RecordEncoder) {
    switch self {
    case .start(let program):
      encoder.put(UInt32(program.arguments.count))
      for argument in program.arguments { encoder.put(argument) }
      encoder.put(program.byteCount)
      encoder.put(program.checksum)
    case .run(let run):
      encoder.put(run.time)
      encoder.put(run.host)
      encoder.put(run.process)
      encoder.put(run.job)
      encoder.put(run.ranks)
    case .words(let words):
      encoder.put(words.operation)
      encoder.put(words.elementType)
      encoder.put(words.file)
      encoder.put(words.line)
    case .call(let call): call.write(to: &encoder)
    case .pieces(let pieces):
      encoder.put(pieces.ledger)
      encoder.put(pieces.total)
      encoder.put(pieces.call)
      encoder.put(UInt32(pieces.pieces.count))
      for piece in pieces.pieces { encoder.put(piece) }
      encoder.put(bytes: pieces.place)
    case .drained(let drain):
      encoder.put(drain.time)
      encoder.put(drain.reason)
    case .failed(let failure):
      encoder.put(failure.time)
      encoder.put(failure.text)
    case .end(let end):
      encoder.put(end.time)
      encoder.put(end.outputLength)
    case .printed(let length): encoder.put(length)
    case .wentOn: break
    }
  }

  /// The frame and the head of a record without bulk.
  package var framed: [UInt8] {
    let head = head
    return RecordFrame(kind: kind.rawValue, head: head).bytes + head
  }

  package init(kind: UInt32, head: ArraySlice<UInt8>) throws(JournalFault) {
    guard let kind = Kind(rawValue: kind) else { throw .damaged }
    var decoder = RecordDecoder(head)
    switch kind {
    case .start:
      var arguments: [String] = []
      for _ in 0..<(try decoder.getCount(4)) { arguments.append(try decoder.getText()) }
      self = .start(
        ProgramIdentity(arguments: arguments, byteCount: try decoder.get(), checksum: try decoder.get()))
    case .run:
      self = .run(
        RunRecord(
          time: try decoder.get(), host: try decoder.getText(), process: try decoder.get(),
          job: try decoder.getText(), ranks: try decoder.get()))
    case .words:
      self = .words(
        CallWords(
          operation: try decoder.getText(), elementType: try decoder.getText(), file: try decoder.getText(),
          line: try decoder.get()))
    case .call: self = .call(try CallRecord(from: &decoder))
    case .pieces:
      let ledger = try decoder.get(UInt32.self)
      let total = try decoder.get(UInt32.self)
      let call = try decoder.get(UInt64.self)
      var pieces: [UInt32] = []
      for _ in 0..<(try decoder.getCount(4)) { pieces.append(try decoder.get()) }
      self = .pieces(
        PiecesRecord(ledger: ledger, total: total, call: call, pieces: pieces, place: try decoder.getBytes()))
    case .drained: self = .drained(DrainRecord(time: try decoder.get(), reason: try decoder.getText()))
    case .failed: self = .failed(FailureRecord(time: try decoder.get(), text: try decoder.getText()))
    case .printed: self = .printed(try decoder.get())
    case .wentOn: self = .wentOn
    case .end: self = .end(EndRecord(time: try decoder.get(), outputLength: try decoder.get()))
    }
  }
}

extension CallRecord {
  private enum OutcomeKind: UInt8 { case value, blocks, failure }

  fileprivate func write(to encoder: inout RecordEncoder) {
    Self.put(
      time: time, fingerprint: fingerprint, callCount: callCount, outputLength: outputLength, to: &encoder)
    switch outcome {
    case .value(let bytes): Self.put(value: bytes, to: &encoder)
    case .blocks(let blocks):
      Self.put(blockCount: blocks.count, to: &encoder)
      for block in blocks {
        Self.put(header: block.header, partCount: block.sizes.count, to: &encoder)
        for size in block.sizes { encoder.put(size) }
      }
    case .failure(let bytes): Self.put(failure: bytes, to: &encoder)
    }
    encoder.put(raw: encodedCalls)
  }

  // Those who write many records put them together from these parts, without the record itself: what it is, the outcome,
  // and the list of calls.

  package static func put(
    time: UInt64, fingerprint: (low: UInt64, high: UInt64), callCount: UInt64, outputLength: UInt64,
    to encoder: inout RecordEncoder
  ) {
    encoder.put(time)
    encoder.put(fingerprint.low)
    encoder.put(fingerprint.high)
    encoder.put(callCount)
    encoder.put(outputLength)
  }

  package static func put(value: [UInt8], to encoder: inout RecordEncoder) {
    encoder.put(OutcomeKind.value.rawValue)
    encoder.put(bytes: value)
  }

  package static func put(failure: [UInt8], to encoder: inout RecordEncoder) {
    encoder.put(OutcomeKind.failure.rawValue)
    encoder.put(bytes: failure)
  }

  /// So many blocks follow, each by `put(header:partCount:to:)`.
  package static func put(blockCount: Int, to encoder: inout RecordEncoder) {
    encoder.put(OutcomeKind.blocks.rawValue)
    encoder.put(UInt32(blockCount))
  }

  /// The sizes of so many parts follow.
  package static func put(header: [UInt8], partCount: Int, to encoder: inout RecordEncoder) {
    encoder.put(bytes: header)
    encoder.put(UInt32(partCount))
  }

  fileprivate init(from decoder: inout RecordDecoder) throws(JournalFault) {
    let time = try decoder.get(UInt64.self)
    let fingerprint = (low: try decoder.get(UInt64.self), high: try decoder.get(UInt64.self))
    let callCount = try decoder.get(UInt64.self)
    let outputLength = try decoder.get(UInt64.self)
    let outcome: Outcome
    switch OutcomeKind(rawValue: try decoder.get()) {
    case .value: outcome = .value(try decoder.getBytes())
    case .failure: outcome = .failure(try decoder.getBytes())
    case .blocks:
      var blocks: [BlockParts] = []
      for _ in 0..<(try decoder.getCount(12)) {
        let header = try decoder.getBytes()
        var sizes: [Int] = []
        for _ in 0..<(try decoder.getCount(8)) {
          let size = try decoder.get(Int.self)
          guard size >= 0 else { throw .damaged }
          sizes.append(size)
        }
        blocks.append(BlockParts(header: header, sizes: sizes))
      }
      outcome = .blocks(blocks)
    case nil: throw .damaged
    }
    self.init(
      time: time, fingerprint: fingerprint, callCount: callCount, outputLength: outputLength, outcome: outcome,
      encodedCalls: decoder.rest)
  }
}

extension CallEntry {
  /// A list of calls is their number (4 bytes) and each of them.
  package func write(to encoder: inout RecordEncoder) {
    encoder.put(words)
    encoder.put(fingerprint)
    encoder.put(UInt32(shape.count))
    for size in shape { encoder.put(size) }
    encoder.put(detail)
  }

  package static func decode(_ bytes: ArraySlice<UInt8>) throws(JournalFault) -> [CallEntry] {
    var decoder = RecordDecoder(bytes)
    var calls: [CallEntry] = []
    for _ in 0..<(try decoder.getCount(20)) {
      let words = try decoder.get(UInt32.self)
      let fingerprint = try decoder.get(UInt64.self)
      var shape: [Int] = []
      for _ in 0..<(try decoder.getCount(8)) { shape.append(try decoder.get()) }
      calls.append(CallEntry(words: words, fingerprint: fingerprint, shape: shape, detail: try decoder.getText()))
    }
    return calls
  }
}
