/// When the scheduler hears of a worker's memory: each time that it has changed by a thirty-second part of the limit.
package struct MemoryReports: Sendable {
  /// A change by such a part of the limit is reported.
  static let parts = 32
  private let step: Int?
  private var reported = 0

  /// - Parameter limit: In bytes; with 0 there is no limit, and nothing is reported.
  package init(limit: Int) {
    step = limit > 0 ? max(1, limit / Self.parts) : nil
  }

  /// What to report, if anything, where blocks hold `bytes` now.
  package mutating func report(of bytes: Int) -> Int? {
    guard let step, abs(bytes - reported) >= step else { return nil }
    reported = bytes
    return bytes
  }
}
