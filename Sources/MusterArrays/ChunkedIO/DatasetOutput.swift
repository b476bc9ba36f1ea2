internal import MusterRuntime

/// A dataset to write: its name in the file, its elements, and what describes them.
public struct DatasetOutput: Sendable {
  enum Contents: Sendable {
    case chunked(ArrayExpression)
    case memory(AnyNDArray)
  }

  /// The path in the file: `pcs`, `group/velocity`. Groups on the way are made.
  public var name: String
  /// For each axis the name of the dataset of the same file that holds its coordinates; nil, or none at all, where
  /// there is no such dataset. What is named here is written as a dimension scale.
  public var dimensions: [String?]
  /// Attributes of the dataset, written in the order of their names: `["units": "K"]`.
  public var attributes: [String: HDF5Attribute]
  /// How the elements are compressed in the file; nil where they lie in one piece, as they are. Compressed or not, an array
  /// without elements lies there as it is.
  public var compression: HDF5Compression?
  var contents: Contents

  /// The elements of a lazy array, computed while they are written.
  public static func dataset<Element>(
    _ name: String, _ array: ChunkedArray<Element>, dimensions: [String?] = [],
    attributes: [String: HDF5Attribute] = [:], compression: HDF5Compression? = nil
  ) -> DatasetOutput {
    DatasetOutput(
      name: name, dimensions: dimensions, attributes: attributes, compression: compression,
      contents: .chunked(array.expression))
  }

  /// The elements of an array in memory; the same on every rank.
  public static func dataset<Element>(
    _ name: String, _ array: NDArray<Element>, dimensions: [String?] = [], attributes: [String: HDF5Attribute] = [:],
    compression: HDF5Compression? = nil
  ) -> DatasetOutput {
    DatasetOutput(
      name: name, dimensions: dimensions, attributes: attributes, compression: compression,
      contents: .memory(array.erased))
  }

  var shape: [Int] {
    switch contents {
    case .chunked(let expression): expression.shape
    case .memory(let array): array.shape
    }
  }
  var elementType: ElementType {
    switch contents {
    case .chunked(let expression): expression.elementType
    case .memory(let array): array.elementType
    }
  }
}
