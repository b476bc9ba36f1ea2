internal import MusterRuntime
internal import MusterScheduling

/// Makes blocks of one grid from the blocks of another that hold the same elements in the same row-major order:
/// rechunking, and reshaping.
///
/// The axes of both sides fall into groups that have the same number of elements each: one axis and itself for
/// rechunking, `[lat, lon]` and `[space]` for a reshape that merges. A block of the result is, in each group, a range of
/// the group's row-major order; it is copied from the blocks that overlap that range, run by run.
struct Gather: Sendable {
  private var groups: [Group]
  private let source: ChunkGrid
  private let result: ChunkGrid

  /// - Parameter groups: consecutive axes of the source and of the result; in each, a chunk of the result is a range of
  ///   the group's row-major order.
  init(from source: ChunkGrid, to result: ChunkGrid, groups: [(source: Range<Int>, result: Range<Int>)]) {
    self.source = source
    self.result = result
    self.groups = groups.map { Group(source: source, axes: $0.source, result: result, resultAxes: $0.result) }
  }

  /// A gather of the same axes.
  init(from source: ChunkGrid, to result: ChunkGrid) {
    self.init(
      from: source, to: result, groups: source.shape.indices.map { ($0..<$0 + 1, $0..<$0 + 1) })
  }

  /// Whether some chunk of the source goes into more than one of the result.
  var sharesSources: Bool {
    groups.contains { group in
      var seen: Set<Int> = []
      return group.overlaps.contains { list in list.contains { !seen.insert($0).inserted } }
    }
  }

  /// How many chunks of the source go into one of the result, at most.
  var largestSourceCount: Int {
    groups.reduce(1) { count, group in count * (group.overlaps.lazy.map(\.count).max() ?? 1) }
  }

  /// The chunks of the source that a chunk of the result is made of, in the order in which `run` takes their blocks.
  func sources(of chunk: Int) -> [Int] {
    var numbers = [0]
    for (group, piece) in zip(groups, pieces(of: chunk)) {
      let overlaps = group.overlaps[piece]
      numbers = numbers.flatMap { number in overlaps.map { number * group.sourceCount + $0 } }
    }
    return numbers
  }

  private func pieces(of chunk: Int) -> [Int] {
    var rest = chunk
    var pieces = [Int](repeating: 0, count: groups.count)
    for index in groups.indices.reversed() {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: groups[index].ranges.count)
      pieces[index] = remainder
      rest = quotient
    }
    return pieces
  }

  /// The block of a chunk of the result, from the blocks of its sources.
  func run(_ chunk: Int, elementType: ElementType, next: () throws -> AnyNDArray) throws -> AnyNDArray {
    let shape = result.shape(of: chunk)
    let count = shape.reduce(1, *)
    let sources = sources(of: chunk)
    if sources.count == 1 {
      let block = try next()
      if block.count == count { return block.reshaped(shape) }
      let result = try AnyNDArray(allocating: elementType, shape: shape)
      copy(block, chunk: sources[0], into: result, pieces: pieces(of: chunk))
      return result
    }
    let result = try AnyNDArray(allocating: elementType, shape: shape)
    let pieces = pieces(of: chunk)
    for source in sources { copy(try next(), chunk: source, into: result, pieces: pieces) }
    return result
  }

  private func copy(_ block: AnyNDArray, chunk: Int, into result: AnyNDArray, pieces: [Int]) {
    let coordinates = source.coordinates(of: chunk)
    var runs: [[Run]] = []
    var sourceCounts: [Int] = []
    var resultCounts: [Int] = []
    for (group, piece) in zip(groups, pieces) {
      let box = group.axes.map { source.bounds(of: coordinates[$0], along: $0) }
      runs.append(group.runs(in: box, range: group.ranges[piece]))
      sourceCounts.append(box.reduce(1) { $0 * $1.count })
      resultCounts.append(group.ranges[piece].count)
    }
    let size = block.elementType.byteCount
    guard !runs.isEmpty else {
      result.storage.bytes.copyMemory(from: block.storage.bytes, byteCount: size)
      return
    }
    // The strides, in bytes, of one element of each group's order.
    var sourceStrides = [Int](repeating: size, count: runs.count)
    var resultStrides = sourceStrides
    for index in runs.indices.dropLast().reversed() {
      sourceStrides[index] = sourceStrides[index + 1] * sourceCounts[index + 1]
      resultStrides[index] = resultStrides[index + 1] * resultCounts[index + 1]
    }
    // Groups behind which everything is copied whole are one run of the group before them.
    var last = runs.count - 1
    while last > 0, runs[last].count == 1, runs[last][0].length == sourceCounts[last],
      runs[last][0].length == resultCounts[last]
    {
      last -= 1
    }
    func copy(group: Int, from: UnsafeRawPointer, to: UnsafeMutableRawPointer) {
      let (sourceStride, resultStride) = (sourceStrides[group], resultStrides[group])
      for run in runs[group] {
        let from = from + run.source * sourceStride
        let to = to + run.result * resultStride
        if group == last {
          to.copyMemory(from: from, byteCount: run.length * sourceStride)
        } else {
          for element in 0..<run.length {
            copy(group: group + 1, from: from + element * sourceStride, to: to + element * resultStride)
          }
        }
      }
    }
    // The result isn't seen by anyone else before this task returns it; the block lives through the call.
    withExtendedLifetime((block, result)) {
      copy(group: 0, from: UnsafeRawPointer(block.storage.bytes), to: result.storage.bytes)
    }
  }
}

/// A run of elements: where it begins in the source's block and in the result's, in elements of the group's order.
private struct Run {
  var source: Int
  var result: Int
  var length: Int
}

/// Axes of the source and of the result that hold the same elements in row-major order.
private struct Group: Sendable {
  /// The axes of the source.
  var axes: Range<Int>
  /// The number of the source's chunks in the group.
  var sourceCount: Int
  /// The range of the group's order that each of the result's chunks holds.
  var ranges: [Range<Int>]
  /// The source's chunks, numbered in the group, that overlap each range.
  var overlaps: [[Int]]
  /// How many elements of the group's order one step along each of the source's axes is.
  var strides: [Int]

  init(source: ChunkGrid, axes: Range<Int>, result: ChunkGrid, resultAxes: Range<Int>) {
    self.axes = axes
    sourceCount = axes.reduce(1) { $0 * source.counts[$1] }
    strides = axes.map { axis in source.shape[(axis + 1)..<axes.upperBound].reduce(1, *) }
    ranges = Self.ranges(of: result, axes: resultAxes)
    overlaps = []
    for range in ranges {
      overlaps.append(Self.overlaps(of: range, source: source, axes: axes, strides: strides[...]))
    }
  }

  /// The ranges of the chunks of some axes of a grid in the row-major order of those axes.
  private static func ranges(of grid: ChunkGrid, axes: Range<Int>) -> [Range<Int>] {
    let part = ChunkGrid(sizes: axes.map { grid.sizes[$0] })
    return (0..<part.count).map { chunk in
      let region = part.region(of: chunk)
      var start = 0
      for axis in part.shape.indices { start = start * part.shape[axis] + region.origin[axis] }
      return start..<start + region.shape.reduce(1, *)
    }
  }

  /// The chunks, in ascending order, that a range of the row-major order touches.
  private static func overlaps(
    of range: Range<Int>, source: ChunkGrid, axes: Range<Int>, strides: ArraySlice<Int>
  ) -> [Int] {
    guard let axis = axes.first, let stride = strides.first else { return [0] }
    guard !range.isEmpty, stride > 0 else { return [0] }
    let inner = axes.dropFirst()
    let innerCount = inner.reduce(1) { $0 * source.counts[$1] }
    let first = range.lowerBound / stride
    let last = (range.upperBound - 1) / stride
    var result: [Int] = []
    for chunk in source.chunks(along: axis, overlapping: first, last + 1) {
      let bounds = source.bounds(of: chunk, along: axis).clamped(to: first..<last + 1)
      guard !bounds.isEmpty else { continue }
      var touched: Set<Int> = []
      // Rows strictly inside the range touch everything behind them; only its first and last row may not.
      for row in Set([bounds.lowerBound, min(bounds.lowerBound + 1, bounds.upperBound - 1), bounds.upperBound - 1]) {
        let part = range.clamped(to: row * stride..<(row + 1) * stride)
        touched.formUnion(
          overlaps(
            of: part.lowerBound - row * stride..<part.upperBound - row * stride, source: source, axes: inner,
            strides: strides.dropFirst()))
      }
      result += touched.sorted().map { chunk * innerCount + $0 }
    }
    return result
  }

  /// The runs of a range that lie in a box of the source's axes, neighbours merged.
  func runs(in box: [Range<Int>], range: Range<Int>) -> [Run] {
    guard box.count != 1 else {
      let part = range.clamped(to: box[0])
      return part.isEmpty
        ? []
        : [
          Run(
            source: part.lowerBound - box[0].lowerBound, result: part.lowerBound - range.lowerBound, length: part.count)
        ]
    }
    var runs: [Run] = []
    func walk(_ axis: Int, order: Int, local: Int) {
      guard axis < box.count - 1 else {
        let row = order + box[axis].lowerBound..<order + box[axis].upperBound
        let part = range.clamped(to: row)
        guard !part.isEmpty else { return }
        let run = Run(
          source: local + part.lowerBound - row.lowerBound, result: part.lowerBound - range.lowerBound,
          length: part.count)
        if let previous = runs.last, previous.source + previous.length == run.source,
          previous.result + previous.length == run.result
        {
          runs[runs.count - 1].length += run.length
        } else {
          runs.append(run)
        }
        return
      }
      let stride = strides[axis]
      let innerCount = box[(axis + 1)...].reduce(1) { $0 * $1.count }
      for index in box[axis] {
        let begin = order + index * stride
        guard begin < range.upperBound, begin + stride > range.lowerBound else { continue }
        walk(axis + 1, order: begin, local: local + (index - box[axis].lowerBound) * innerCount)
      }
    }
    if box.isEmpty { return [Run(source: 0, result: 0, length: 1)] }
    walk(0, order: 0, local: 0)
    return runs
  }
}

extension ChunkGrid {
  /// The elements of a chunk along an axis.
  func bounds(of chunk: Int, along axis: Int) -> Range<Int> {
    offsets[axis][chunk]..<offsets[axis][chunk] + sizes[axis][chunk]
  }
}

// Using it

extension Lowering {
  /// The blocks of a node on a grid of its shape, for a consumer that takes each at most once, or several times.
  func blocks(of node: ArrayExpression, on grid: ChunkGrid, takenOnce: Bool = true) throws -> BlockFunction {
    if node.grid == grid { return takenOnce ? try blocks(of: node) : try sharedBlocks(of: node) }
    let function: BlockFunction
    if let source = node.operation as? any RegionSource, source.yieldsDirectly(grid) {
      function = source.function(node, on: grid)
    } else {
      function = try gather(node, Gather(from: node.grid, to: grid), grid: grid, name: "rechunk")
    }
    return takenOnce || !shouldKeep(function) ? function : layer(of: function)
  }

  /// The blocks that a gather makes of a node's.
  func gather(
    _ node: ArrayExpression, _ gather: Gather, grid: ChunkGrid, name: String
  ) throws -> BlockFunction {
    let source = gather.sharesSources ? try sharedBlocks(of: node) : try blocks(of: node)
    let elementType = node.elementType
    return BlockFunction(
      grid: grid, elementType: elementType, name: BlockFunction.name(of: [name], behind: [source]),
      callSite: node.callSite, cost: max(source.cost, .pass),
      writes: Double(gather.largestSourceCount) * source.writes + Double(grid.largestChunk), depth: source.depth + 1,
      inputs: { chunk, into in
        for number in gather.sources(of: chunk) { source.inputs(number, &into) }
      },
      run: { chunk, blocks in
        var numbers = gather.sources(of: chunk)[...]
        return try gather.run(chunk, elementType: elementType) { try source.run(numbers.removeFirst(), &blocks) }
      })
  }
}
