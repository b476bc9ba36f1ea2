import CHDF5
import MusterRuntime

extension HDF5Reader {
  /// Looks at a dataset: its shape, its type, where it lies, what it is called.
  ///
  /// - Parameter dataset: its path in the file; a slash at the start makes no difference.
  /// - Throws: `fileNotFound`, `permissionDenied`, `notHDF5`, `damagedFile`; `datasetNotFound`, listing what is there;
  ///   `unsupported` where the elements aren't numbers, or a filter is missing.
  package static func inspect(path: String, dataset: String) throws -> HDF5DatasetInfo {
    try HDF5Library.withLock { state in
      let (file, identity) = try state.openFiles.file(path)
      HDF5Descriptors.forgetReading(path, except: identity)
      let name = dataset.split(separator: "/").joined(separator: "/")
      let object = try open(name, asked: dataset, in: file, path: path)
      return try describe(object.id, name: name, path: path, identity: identity)
    }
  }

  /// The names of all datasets of a file, in groups too, sorted.
  ///
  /// - Throws: `fileNotFound`, `permissionDenied`, `notHDF5`, `damagedFile`.
  package static func datasetNames(path: String) throws -> [String] {
    try HDF5Library.withLock { state in
      let (file, _) = try state.openFiles.file(path)
      return try datasetNames(below: file, path: path)
    }
  }

  private static func datasetNames(below location: chdf5_id, path: String) throws -> [String] {
    var names: [String] = []
    let status = withUnsafeMutablePointer(to: &names) { names in
      chdf5_visit(location, names) { context, name, kind in
        if kind == .dataset { context?.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name)) }
      }
    }
    try HDF5Failure.check(status, "can't list the datasets", in: path)
    return names.sorted()
  }

  private static func open(_ name: String, asked: String, in file: chdf5_id, path: String) throws -> HDF5Identifier {
    func missing(_ what: String, below location: chdf5_id) -> MusterError {
      let names = (try? datasetNames(below: location, path: path)) ?? []
      let shown = names.prefix(50).joined(separator: ", ") + (names.count > 50 ? " and \(names.count - 50) more" : "")
      return MusterError(
        .datasetNotFound, "\(what); it holds " + (names.isEmpty ? "no datasets" : "these datasets: \(shown)"),
        fix: names.isEmpty ? "Check the path of the file" : "Name one of them")
    }
    guard !name.isEmpty else {
      throw missing("\"\(asked)\" is the root group of \"\(path)\", not a dataset", below: file)
    }
    var prefix = ""
    for part in name.split(separator: "/") {
      prefix += prefix.isEmpty ? part : "/" + part
      if chdf5_link_exists(file, prefix) <= 0 {
        throw missing("\"\(path)\" has no dataset \"\(asked)\"", below: file)
      }
      let object = HDF5Identifier(chdf5_open_object(file, prefix))
      guard let object = consume object else {
        let (text, _) = HDF5Library.lastFailure()
        throw MusterError(
          .damagedFile, "\"\(prefix)\" in \"\(path)\" can't be opened\(text)",
          fix:
            "If it is a link to another object or file, check that its target is there; otherwise copy the file again")
      }
      switch chdf5_object_kind(object.id) {
      case .dataset where prefix == name: return object
      case .group where prefix == name:
        throw missing("\"\(asked)\" in \"\(path)\" is a group, not a dataset", below: object.id)
      case .group: continue
      case .dataset, .other: throw missing("\"\(path)\" has no dataset \"\(asked)\"", below: file)
      }
    }
    throw missing("\"\(path)\" has no dataset \"\(asked)\"", below: file)
  }

  private static func describe(
    _ dataset: chdf5_id, name: String, path: String, identity: FileIdentity
  ) throws -> HDF5DatasetInfo {
    let type = try HDF5Identifier(chdf5_dataset_type(dataset), "the datatype of \"\(name)\"", in: path)
    let space = try HDF5Identifier(chdf5_dataset_space(dataset), "the shape of \"\(name)\"", in: path)
    let creation = try HDF5Identifier(
      chdf5_dataset_creation_properties(dataset), "the layout of \"\(name)\"", in: path)
    guard let shape = try HDF5Shape.of(space.id) else {
      throw MusterError(
        .unsupported, "\"\(name)\" in \"\(path)\" has no shape: it is an empty dataset of the null dataspace",
        fix: "Store it with a shape, if need be with a size of 0")
    }
    let elementType = try HDF5ElementType.elementType(of: type.id, dataset: name, path: path)
    try checkFilters(creation.id, name: name, path: path)

    var info = HDF5DatasetInfo(
      path: path, name: name, shape: shape, elementType: elementType,
      attributes: try HDF5Attribute.all(of: dataset, in: path), dimensions: [], fileSize: identity.size,
      modificationTime: identity.modificationTime)
    switch chdf5_layout(creation.id) {
    case .chunked:
      var chunks = [UInt64](repeating: 0, count: shape.count)
      try HDF5Failure.check(
        chdf5_chunk_shape(creation.id, Int32(shape.count), &chunks), "can't get the chunks of \"\(name)\"", in: path)
      info.chunkShape = chunks.map(Int.init)
    case .contiguous:
      var offset: UInt64 = 0
      if chdf5_external_file_count(creation.id) == 0, chdf5_dataset_offset(dataset, &offset),
        try HDF5ElementType.hasSameBytes(type.id, as: elementType, path: path)
      {
        info.contiguousOffset = Int(offset)
      }
    case .compact, .virtual, .unknown: break
    }
    info.dimensions = try dimensions(of: dataset, name: name, rank: shape.count, path: path)
    return info
  }

  /// Says which filter is missing before anything is read.
  private static func checkFilters(_ creation: chdf5_id, name: String, path: String) throws {
    for index in 0..<UInt32(max(chdf5_filter_count(creation), 0)) {
      var number: Int32 = 0
      var isAvailable = true
      let filter = try withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String in
        guard let start = buffer.baseAddress else { return "" }
        buffer.initialize(repeating: 0)
        try HDF5Failure.check(
          chdf5_filter(creation, index, start, buffer.count, &number, &isAvailable),
          "can't get the filters of \"\(name)\"", in: path)
        return String(cString: start)
      }
      if !isAvailable {
        throw MusterError(
          .unsupported,
          "\"\(name)\" in \"\(path)\" is compressed with filter \(number)\(filter.isEmpty ? "" : " (\(filter))"), "
            + "which the HDF5 library here doesn't have",
          fix: "Install the filter's plugin and set HDF5_PLUGIN_PATH to its folder, "
            + "or store the dataset with another filter (h5repack -f GZIP=4)")
      }
    }
  }

  private static func dimensions(
    of dataset: chdf5_id, name: String, rank: Int, path: String
  ) throws -> [HDF5Dimension] {
    if chdf5_is_scale(dataset), rank == 1 { return [HDF5Dimension(name: lastPart(name), scale: name)] }
    return try (0..<UInt32(rank)).map { axis in
      var scales: [String] = []
      let status = withUnsafeMutablePointer(to: &scales) { scales in
        chdf5_visit_scales(dataset, axis, scales) { context, scale in
          let name = HDF5Library.string { chdf5_object_name(scale, $0, $1) }
          context?.assumingMemoryBound(to: [String].self).pointee.append(name)
        }
      }
      try HDF5Failure.check(status, "can't get the dimension scales of \"\(name)\"", in: path)
      let scale = scales.first { !$0.isEmpty }.map { $0.split(separator: "/").joined(separator: "/") }
      let label = HDF5Library.string { chdf5_axis_label(dataset, axis, $0, $1) }
      return HDF5Dimension(name: scale.map(lastPart) ?? (label.isEmpty ? nil : label), scale: scale)
    }
  }

  private static func lastPart(_ name: String) -> String { name.split(separator: "/").last.map(String.init) ?? name }
}
