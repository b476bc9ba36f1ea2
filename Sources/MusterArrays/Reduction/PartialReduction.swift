package import MusterRuntime

/// A chunk, or several, reduced over some axes: what is combined with the rest before it is a result.
package struct PartialReduction: Sendable {
  package let kind: ReductionKind
  /// The type of the elements that were reduced.
  package let sourceType: ElementType
  /// How many elements went into each accumulator.
  package let count: Int
  /// The accumulators, reduced axes with size 1; for `moments` the means.
  package let values: AnyNDArray
  /// For `moments` the sums of squared deviations from the means.
  package let deviations: AnyNDArray?

  init(kind: ReductionKind, sourceType: ElementType, count: Int, values: AnyNDArray, deviations: AnyNDArray? = nil) {
    self.kind = kind
    self.sourceType = sourceType
    self.count = count
    self.values = values
    self.deviations = deviations
  }
}

extension PartialReduction: Block {
  package var byteCount: Int { values.byteCount + (deviations?.byteCount ?? 0) }

  package func encode(into encoder: inout BlockEncoder) {
    encoder.append(kind.rawValue)
    encoder.append(sourceType.rawValue)
    encoder.append(count)
    values.encode(into: &encoder)
    deviations?.encode(into: &encoder)
  }

  package static func decode(from decoder: inout BlockDecoder) throws -> PartialReduction {
    guard let kind = ReductionKind(rawValue: try decoder.read(UInt8.self)),
      let sourceType = ElementType(rawValue: try decoder.read(UInt8.self))
    else {
      throw MusterError(.internal, "a partial reduction arrived with an unknown kind or element type")
    }
    let count = try decoder.read(Int.self)
    let values = try AnyNDArray.decode(from: &decoder)
    let deviations = kind == .moments ? try AnyNDArray.decode(from: &decoder) : nil
    return PartialReduction(
      kind: kind, sourceType: sourceType, count: count, values: values, deviations: deviations)
  }
}
