import Dispatch
import MusterRuntime
import MusterScheduling

/// A spiller whose completions are waited for.
final class SpillerUnderTest: Sendable {
  let spiller: Spiller
  let scratch: Scratch
  private let bell = DispatchSemaphore(value: 0)

  init(_ environment: [String: String]) {
    scratch = Scratch(environment: environment)
    let bell = bell
    spiller = Spiller(scratch: scratch) { bell.signal() }
  }

  deinit { spiller.shutDown() }

  func completions(_ count: Int) throws -> [Spiller.Completion] {
    var all: [Spiller.Completion] = []
    var some: [Spiller.Completion] = []
    while all.count < count {
      guard bell.wait(timeout: .now() + 60) == .success else { throw ModelViolation(description: "the disk is silent") }
      spiller.takeCompletions(into: &some)
      all += some
    }
    return all
  }

  func write(_ blocks: [any Block], from ticket: BlockStore.Ticket = 0) throws -> [Spiller.Completion] {
    spiller.spill(
      blocks.enumerated().map { number, block in
        BlockStore.SpillOrder(
          ticket: ticket + UInt64(number), task: TaskID(layer: 0, index: number), block: block)
      })
    return try completions(blocks.count)
  }

  func places(_ blocks: [any Block]) throws -> [SpillPlace] {
    try write(blocks).map {
      guard case .spilled(_, let place) = $0 else { throw ModelViolation(description: "not written: \($0)") }
      return place
    }
  }

  func read(_ place: SpillPlace, as type: any Block.Type) throws -> Spiller.Completion {
    spiller.load(1, of: TaskID(layer: 0, index: 0), at: place, as: type)
    return try completions(1)[0]
  }

  func block<B: Block>(_ place: SpillPlace, as type: B.Type) throws -> B? {
    if case .loaded(_, let block) = try read(place, as: type) { block as? B } else { nil }
  }
}
