/// A value that one thread waits for and another gives.
///
/// `@unchecked Sendable` is safe: `value` is used with `condition` locked only.
package final class Reply<Value: Sendable>: @unchecked Sendable {
  private let condition = ConditionLock()
  private var value: Value?

  package init() {}

  package func give(_ value: Value) {
    condition.withLock {
      self.value = value
      condition.broadcast()
    }
  }

  package func wait() -> Value {
    condition.withLock {
      while true {
        if let value { return value }
        condition.wait()
      }
    }
  }
}
