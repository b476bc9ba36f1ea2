internal import CKernels
internal import MusterRuntime

extension PartialReduction {
  /// What reducing no elements gives: zeros, ones, and for `min` and `max` nothing that counts.
  ///
  /// - Throws: `MusterError` with code `outOfMemory`.
  static func identity(
    kind: ReductionKind, sourceType: ElementType, accumulatorType: ElementType, shape: [Int]
  ) throws -> PartialReduction {
    let isOne = kind == .product || kind == .all
    return try PartialReduction(
      kind: kind, sourceType: sourceType, count: 0,
      values: AnyNDArray.filled(with: ScalarValue(isOne ? 1.0 : 0.0), shape: shape).cast(to: accumulatorType),
      deviations: kind == .moments ? AnyNDArray.filled(with: ScalarValue(0.0), shape: shape) : nil)
  }

  /// Combines reductions of neighbouring chunks, of one shape, in the order given: a balanced tree over their numbers.
  ///
  /// - Throws: `MusterError` with code `internal` where there are none, or they aren't of the kind, or of one shape.
  package static func combine(_ parts: [PartialReduction], kind: ReductionKind) throws -> PartialReduction {
    guard let first = parts.first else { throw MusterError(.internal, "\(kind) of no chunks") }
    for part in parts
    where part.kind != kind || part.sourceType != first.sourceType || part.values.shape != first.values.shape {
      throw MusterError(
        .internal,
        "\(part.kind) of \(part.sourceType) with shape \(part.values.shape) was combined with \(kind) of "
          + "\(first.sourceType) with shape \(first.values.shape)")
    }
    return try merged(parts[...])
  }

  private static func merged(_ parts: ArraySlice<PartialReduction>) throws -> PartialReduction {
    if parts.count == 1 { return parts[parts.startIndex] }
    let middle = parts.startIndex + (parts.count + 1) / 2
    return try merged(merged(parts[..<middle]), merged(parts[middle...]))
  }

  private static func merged(_ a: PartialReduction, _ b: PartialReduction) throws -> PartialReduction {
    if a.count == 0 { return b }
    if b.count == 0 { return a }
    let values = try AnyNDArray(allocating: a.values.elementType, shape: a.values.shape)
    let n = values.count
    let (out, left, right) = (values.storage.bytes, a.values.storage.bytes, b.values.storage.bytes)
    var deviations: AnyNDArray?
    try withExtendedLifetime((a, b)) {
      if let leftDeviations = a.deviations, let rightDeviations = b.deviations {
        let squares = try AnyNDArray(allocating: .float64, shape: a.values.shape)
        ck_moments_merge(
          InstructionSet.best.rawValue, out.assumingMemoryBound(to: Double.self),
          squares.storage.bytes.assumingMemoryBound(to: Double.self),
          left.assumingMemoryBound(to: Double.self), leftDeviations.storage.bytes.assumingMemoryBound(to: Double.self),
          Double(a.count), right.assumingMemoryBound(to: Double.self),
          rightDeviations.storage.bytes.assumingMemoryBound(to: Double.self), Double(b.count), n)
        deviations = squares
      } else if let kernel = ck_combine(
        InstructionSet.best.rawValue, Int32(a.kind.rawValue),
        Int32((a.values.elementType == .bool ? .bool : a.sourceType).rawValue))
      {
        _ = kernel(out, left, right, right, n)
      } else {
        preconditionFailure("there is no kernel that combines \(a.kind) of \(a.sourceType)")
      }
    }
    return PartialReduction(
      kind: a.kind, sourceType: a.sourceType, count: a.count + b.count, values: values, deviations: deviations)
  }

  /// The result, with the reduced axes of size 1.
  ///
  /// - Throws: `MusterError` with code `invalidArgument` for `min` and `max` of no elements. The mean of no elements is
  ///   NaN, and a variance with `ddof` of at least the count a division by 0, as in NumPy.
  package func finish(as reduction: FinalReduction) throws -> AnyNDArray {
    guard reduction.kind == kind, let type = reduction.resultType(for: sourceType) else {
      throw MusterError(.internal, "\(kind) of \(sourceType) was finished as \(reduction)")
    }
    if count == 0, values.count > 0, kind == .min || kind == .max {
      throw MusterError(
        .invalidArgument, "\(kind) of no elements isn't defined", fix: "Reduce over axes that aren't empty")
    }
    var program = ElementwiseProgram()
    switch reduction {
    case .sum, .product, .min, .max, .any, .all:
      return try values.cast(to: type)
    case .mean:
      let sum = program.input(values.elementType)
      let divisor = program.cast(program.constant(ScalarValue(Double(count))), to: values.elementType)
      program.finish(program.cast(program.apply(.divide, sum, divisor), to: type))
      return try program.run([values], shape: values.shape)
    case .variance(let ddof), .standardDeviation(let ddof):
      guard let deviations else { throw MusterError(.internal, "moments without deviations") }
      let divisor = program.constant(ScalarValue(Double(max(count - ddof, 0))))
      var result = program.apply(.divide, program.input(.float64), divisor)
      if case .standardDeviation = reduction { result = program.apply(.sqrt, result) }
      program.finish(program.cast(result, to: type))
      return try program.run([deviations], shape: deviations.shape)
    }
  }
}
