public import MusterRuntime

/// What a file says about one of its datasets: enough to read it from any process that sees the file.
public struct HDF5DatasetInfo: Codable, Sendable, Hashable {
  /// The file, as the user named it.
  public var path: String
  /// The dataset's path in the file, without a slash at its start: `air_temperature`, `run1/velocity`.
  public var name: String
  /// The lengths of the axes; empty for a scalar.
  public var shape: [Int]
  /// What the elements are read as: the type that the file stores, or the next wider one of its kind.
  ///
  /// Floating-point numbers of more than 8 bytes, such as C's `long double`, are read as `Double`, and complex numbers of
  /// such as `Complex<Double>`: rounded, and infinite where they are beyond its range. There is no wider type.
  public var elementType: ElementType
  /// The shape of the file's chunks; nil where the dataset isn't chunked.
  public var chunkShape: [Int]?
  /// Where the elements lie in the file, row-major and as they are in memory; nil where reading them needs the library.
  public var contiguousOffset: Int?
  /// The attributes that are strings or numbers, without those by which HDF5 and NetCDF do their own book-keeping.
  public var attributes: [String: HDF5Attribute]
  /// What the file says of each axis; one for each.
  public var dimensions: [HDF5Dimension]
  /// The size of the file when it was inspected, in bytes.
  public var fileSize: Int
  /// When the file was last modified before it was inspected, in nanoseconds since 1970.
  public var modificationTime: Int

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// The error for elements asked for as a type that they aren't.
  public func elementTypeMismatch(requested: ElementType) -> MusterError {
    MusterError(
      .elementTypeMismatch, "\"\(name)\" in \"\(path)\" has elements of type \(elementType), not \(requested)",
      fix: "Open it as \(elementType).self and convert the elements afterwards")
  }

  /// - Throws: `inputOutput` where the file isn't any more the one that was inspected.
  func checkUnchanged(_ identity: FileIdentity) throws {
    guard identity.size == fileSize, identity.modificationTime == modificationTime else {
      throw MusterError(
        .inputOutput,
        "\"\(path)\" was changed after it was opened: it had \(fileSize) bytes and has \(identity.size)"
          + (identity.size == fileSize ? ", modified since" : ""),
        fix: "Open it again, and let nothing write to it while it is read")
    }
  }

  /// - Throws: `indexOutOfRange` where the region isn't within the dataset.
  func check(_ region: [Range<Int>]) throws {
    guard region.count == shape.count, zip(region, shape).allSatisfy({ $0.lowerBound >= 0 && $0.upperBound <= $1 })
    else {
      throw MusterError(
        .indexOutOfRange, "the region \(region) isn't within \"\(name)\" in \"\(path)\", whose shape is \(shape)")
    }
  }
}

/// An axis of a dataset, as far as the file says what it is.
public struct HDF5Dimension: Codable, Sendable, Hashable {
  /// The axis's name: that of its dimension scale, or its label.
  public var name: String?
  /// The dataset that is the axis's dimension scale, by its path in the file: it holds the coordinates.
  public var scale: String?

  /// An axis; what the file doesn't say of it is nil.
  public init(name: String? = nil, scale: String? = nil) {
    self.name = name
    self.scale = scale
  }
}
