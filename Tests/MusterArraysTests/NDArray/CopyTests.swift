import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

/// Copies of every element size, against copying an element at a time.
struct CopyTests {
  private static let types: [ElementType] = [.bool, .int16, .float32, .float64, .complex128]

  private func expect(_ result: AnyNDArray, of source: AnyNDArray, at map: ([Int]) -> [Int], _ comment: String) {
    for (number, index) in indices(of: result.shape).enumerated()
    where result.scalar(number) != source.scalar(position(map(index), in: source.shape)) {
      Issue.record("\(comment) at \(index)")
      return
    }
  }

  @Test(arguments: 0..<150)
  func slices(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(2000 + seed))
    let source = random.elements(random.pick(Self.types), random.shape(limit: 3000))
    var region: [Range<Int>] = []
    var steps: [Int] = []
    for size in source.shape {
      let lower = Int.random(in: 0...size, using: &random)
      region.append(lower..<Int.random(in: lower...size, using: &random))
      steps.append(random.pick([1, 1, 1, 2, 3, -1, -2]))
    }
    let result = try source.slice(region, steps: steps)
    #expect(result.shape == region.indices.map { (region[$0].count + abs(steps[$0]) - 1) / abs(steps[$0]) })
    expect(
      result, of: source,
      at: { index in
        index.indices.map { axis in
          (steps[axis] > 0 ? region[axis].lowerBound : region[axis].upperBound - 1) + index[axis] * steps[axis]
        }
      }, "slice \(region) by \(steps) of \(source.shape)")
  }

  @Test(arguments: 0..<150)
  func transpositions(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(3000 + seed))
    let source = random.elements(random.pick(Self.types), random.shape(limit: 5000))
    let axes = Array(source.shape.indices).shuffled(using: &random)
    let result = try source.transposed(axes)
    #expect(result.shape == axes.map { source.shape[$0] })
    expect(
      result, of: source, at: { index in source.shape.indices.map { index[axes.firstIndex(of: $0)!] } },
      "transposed \(axes) of \(source.shape)")
  }

  @Test(arguments: 0..<60)
  func parts(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(4000 + seed))
    let source = random.elements(random.pick(Self.types), random.shape(limit: 3000).filter { $0 > 0 })
    let cuts = source.shape.map { size in
      [0] + (1..<max(size, 1)).filter { _ in Int.random(in: 0..<size, using: &random) < 2 } + [size]
    }
    let parts = try indices(of: cuts.map { $0.count - 1 }).map { index in
      let region = index.indices.map { cuts[$0][index[$0]]..<cuts[$0][index[$0] + 1] }
      return (origin: region.map(\.lowerBound), block: try source.slice(region))
    }.shuffled(using: &random)
    let whole = try AnyNDArray.assemble(shape: source.shape, elementType: source.elementType, parts: parts)
    #expect(whole.shape == source.shape && whole.bytes == source.bytes)
  }

  @Test(arguments: 0..<60)
  func broadcasts(_ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(5000 + seed))
    let shape = random.shape(limit: 3000)
    let source = random.elements(random.pick(Self.types), random.operand(of: shape))
    expect(try source.broadcast(to: shape), of: source, at: { $0 }, "\(source.shape) to \(shape)")
  }

  @Test func whatNeedsNoCopySharesTheStorage() throws {
    let x = NDArray<Double>.zeros([4, 1, 6]).erased
    #expect(try x.slice([0..<4, 0..<1, 0..<6]).storage === x.storage)
    #expect(x.reshaped([24]).storage === x.storage)
    #expect(try x.transposed([1, 0, 2]).storage === x.storage)
    #expect(try x.transposed([2, 1, 0]).storage !== x.storage)
    #expect(try x.cast(to: .float64).storage === x.storage)
  }

  @Test(arguments: ElementType.allCases)
  func filled(_ type: ElementType) throws {
    var random = SplitMix64(seed: 50)
    let value = random.elements(type, [1]).scalar(0)
    let array = try AnyNDArray.filled(with: value, shape: [3, 5])
    #expect((0..<15).allSatisfy { array.scalar($0) == value })
    #expect(try AnyNDArray.filled(with: value, shape: [0]).count == 0)
  }
}
