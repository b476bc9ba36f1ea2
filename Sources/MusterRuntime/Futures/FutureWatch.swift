internal import MusterScheduling
internal import Synchronization

/// Futures that a loop over their ends has named: the rank that schedules keeps them in mind until the loop is over.
final class FutureWatch: Sendable {
  /// The same on every rank.
  let number: Int
  let tasks: [TaskID]
  private let session: Session
  /// The places of those of which the loop has been told by the journal.
  private let told = Mutex<Set<UInt32>>([])

  init(number: Int, tasks: [TaskID], session: Session) {
    self.number = number
    self.tasks = tasks
    self.session = session
  }

  var toldPlaces: Set<UInt32> { told.withLock { $0 } }
  /// The loop has been told of some futures, as bytes of their places.
  func hasTold(_ answer: [UInt8]) {
    let places = answer.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self) }
    }
    told.withLock { $0.formUnion(places) }
  }

  /// Rank 0's program decides: it's the one that answers.
  deinit { session.endWatch(number) }
}
