internal import MusterScheduling

/// What a journal gets of a program that goes on by itself.
extension Session {
  /// Adds a value, or the error in its place, to the journal.
  func record(_ result: Result<[UInt8], MusterError>, as pending: JournalRecorder.Pending?) {
    guard let pending, let recorder = state.value.withLock({ $0.journal?.recorder }) else { return }
    switch result {
    case .success(let bytes): recorder.record(pending, value: bytes)
    case .failure(let error): recorder.record(pending, error)
    }
  }

  /// Adds the results of a collective to the journal, and returns them.
  ///
  /// - Throws: the collective's error, or that a value of it can't be encoded.
  func recorded(
    _ result: Result<ComputedBlocks, MusterError>, as pending: JournalRecorder.Pending
  ) throws -> [any Block] {
    guard let recorder = state.value.withLock({ $0.journal?.recorder }) else { return try result.get().blocks }
    switch result {
    case .failure(let error):
      recorder.record(pending, error)
      throw error
    case .success(let computed):
      if let encoded = computed.encoded {
        recorder.record(pending, encoded)
      } else {
        try recorder.record(pending, computed.blocks)
      }
      return computed.blocks
    }
  }

  /// Whether what a collective computes is kept result by result: of a single one nothing is there before the end, and what
  /// is run for its effect has none.
  static func keepsResults(of plan: Plan) -> Bool {
    plan.results.count > 1 && !plan.isKeptElsewhere
      && !plan.layers.contains { $0.tasks.count > 0 && $0.blockType == EmptyBlock.self }
  }

  /// A plan whose results are kept beside the journal, where there is one. Every rank has to make the same calls.
  static func keeping(
    _ plan: Plan, _ way: KeptResults.Way, _ state: inout State
  ) -> (plan: Plan, ledger: UInt32?) {
    guard let journal = state.journal else { return (plan, nil) }
    defer { state.nextLedger += 1 }
    let results = KeptResults(
      ledger: state.nextLedger, total: plan.results.count, call: state.log.fingerprint.low, way, journal: journal,
      keeper: journal.keeper)
    return (plan.keeping(results), results.ledger)
  }
}
