import MusterRuntime

/// An HDF5 file to be written.
package struct HDF5FileDescription: Codable, Sendable {
  /// Attributes of the file as a whole.
  package var attributes: [HDF5NamedAttribute]
  package var datasets: [HDF5DatasetDescription]

  package init(attributes: [HDF5NamedAttribute] = [], datasets: [HDF5DatasetDescription]) {
    self.attributes = attributes
    self.datasets = datasets
  }

  /// The bytes of all elements together, but for those that are compressed.
  ///
  /// - Throws: `invalidArgument` where names are empty or given twice, sizes are negative, or a dimension isn't the name
  ///   of a dimension scale of this file; `shapeMismatch` where a scale hasn't as many elements as its axis.
  func validate(path: String) throws -> Int {
    var scales: [String: Int] = [:]
    var names: Set<String> = []
    var total = 0
    for dataset in datasets {
      guard !dataset.name.split(separator: "/").isEmpty, !dataset.name.utf8.contains(0) else {
        throw MusterError(
          .invalidArgument, "a dataset to be written to \"\(path)\" has no usable name (\"\(dataset.name)\")")
      }
      guard names.insert(dataset.linkName).inserted else {
        throw MusterError(
          .invalidArgument, "two datasets to be written to \"\(path)\" are called \"\(dataset.linkName)\"",
          fix: "Give each a name of its own")
      }
      total = try dataset.addByteCount(to: total, path: path)
      if dataset.isDimensionScale { scales[dataset.linkName] = dataset.shape.count == 1 ? dataset.shape[0] : -1 }
    }
    for dataset in datasets { try dataset.validateDimensions(scales, path: path) }
    for name in names {
      var parent = name.split(separator: "/").dropLast()
      while !parent.isEmpty {
        if names.contains(parent.joined(separator: "/")) {
          throw MusterError(
            .invalidArgument,
            "\"\(parent.joined(separator: "/"))\" can't be both a dataset and the group of \"\(name)\" in \"\(path)\"",
            fix: "Give one of them another name")
        }
        parent.removeLast()
      }
    }
    return total
  }
}

/// A dataset to be written.
package struct HDF5DatasetDescription: Codable, Sendable {
  /// Its path in the file: groups on the way are made.
  package var name: String
  /// Empty for a scalar; sizes may be 0.
  package var shape: [Int]
  package var elementType: ElementType
  /// In the order in which they are made.
  package var attributes: [HDF5NamedAttribute]
  /// For each axis the name of the dimension scale that belongs to it, which is another dataset of the same file.
  /// Empty where no axis has one.
  package var dimensions: [String?]
  /// Whether this dataset holds the coordinates of axes.
  package var isDimensionScale: Bool
  /// The chunks that it is compressed in; nil where its elements lie in one piece, as they are.
  package var storage: HDF5ChunkedStorage?

  package init(
    name: String, shape: [Int], elementType: ElementType, attributes: [HDF5NamedAttribute] = [],
    dimensions: [String?] = [], isDimensionScale: Bool = false, storage: HDF5ChunkedStorage? = nil
  ) {
    self.name = name
    self.shape = shape
    self.elementType = elementType
    self.attributes = attributes
    self.dimensions = dimensions
    self.isDimensionScale = isDimensionScale
    self.storage = storage
  }

  /// The name without slashes that say nothing.
  var linkName: String { Self.link(name) }

  static func link(_ name: String) -> String { name.split(separator: "/").joined(separator: "/") }

  func addByteCount(to total: Int, path: String) throws -> Int {
    var bytes = elementType.byteCount
    for size in shape {
      guard size >= 0 else {
        throw MusterError(.invalidArgument, "\"\(name)\", to be written to \"\(path)\", has a negative size: \(shape)")
      }
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard !overflow else { throw tooLarge(path) }
      bytes = product
    }
    // How much it will be nobody knows.
    guard storage == nil else { return total }
    let (sum, overflow) = total.addingReportingOverflow(bytes)
    guard !overflow else { throw tooLarge(path) }
    return sum
  }

  private func tooLarge(_ path: String) -> MusterError {
    MusterError(
      .invalidArgument, "\"\(name)\", to be written to \"\(path)\", is larger than any file: its shape is \(shape)")
  }

  func validateDimensions(_ scales: [String: Int], path: String) throws {
    guard dimensions.isEmpty || dimensions.count == shape.count else {
      throw MusterError(
        .shapeMismatch,
        "\"\(name)\", to be written to \"\(path)\", has \(shape.count) axes (shape \(shape)) and names for \(dimensions.count)",
        fix: "Give one name for each axis, nil where it has none")
    }
    for case (let axis, let dimension?) in zip(shape.indices, dimensions) {
      guard let length = scales[Self.link(dimension)] else {
        throw MusterError(
          .invalidArgument,
          "axis \(axis) of \"\(name)\" asks for the dimension \"\(dimension)\", which \"\(path)\" isn't to have",
          fix: "Write the coordinates of \"\(dimension)\" into the same file")
      }
      guard length == shape[axis] else {
        throw MusterError(
          .shapeMismatch,
          length < 0
            ? "\"\(dimension)\" can't be a dimension of \"\(path)\": its coordinates need one axis"
            : "axis \(axis) of \"\(name)\" has \(shape[axis]) elements, and its dimension \"\(dimension)\" \(length)",
          fix: "Give coordinates of the axis's length")
      }
      guard !isDimensionScale || Self.link(dimension) == linkName else {
        throw MusterError(
          .invalidArgument,
          "\"\(name)\" holds the coordinates of a dimension of \"\(path)\" and can't have \"\(dimension)\" as its own",
          fix: "Leave its dimensions out")
      }
    }
  }
}
