/// An answer that one thread waits for and another gives.
///
/// `@unchecked Sendable` is safe: `answer` is used with `condition` locked only.
final class AnswerWait: @unchecked Sendable {
  private let condition = ConditionLock()
  private var answer: CoordinationAnswer?

  func give(_ answer: CoordinationAnswer) {
    condition.withLock {
      self.answer = answer
      condition.signal()
    }
  }

  /// The answer, or nil where it hasn't come by a time of the monotonic clock.
  ///
  /// - Parameter limit: nil to wait for as long as it takes.
  func wait(until limit: Int?) -> CoordinationAnswer? {
    condition.withLock {
      while answer == nil {
        guard let limit else {
          condition.wait()
          continue
        }
        let left = limit - MonotonicClock.nanoseconds
        guard left > 0 else { return nil }
        condition.wait(nanoseconds: left)
      }
      return answer
    }
  }
}
