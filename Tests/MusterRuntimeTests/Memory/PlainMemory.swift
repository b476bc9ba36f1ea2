import Foundation
import Testing

extension Trait where Self == ConditionTrait {
  /// For tests that look at the process's size: under a sanitizer that says little of what it allocates.
  static var plainMemory: Self {
    .enabled(
      if: ProcessInfo.processInfo.environment["MUSTER_TEST_SANITIZER"] == nil, "a sanitizer keeps what is freed")
  }
}
