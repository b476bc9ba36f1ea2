import CHDF5
import MusterRuntime

/// Puts a file together as its description says, all but the elements. Lives inside `HDF5Library.withLock`.
///
/// The same description, and the same sizes of chunks, give the same file, byte for byte.
struct HDF5FileBuilder {
  /// Datasets of at least this size start on a page.
  private static let alignedByteCount: UInt64 = 64 << 10
  private static let pageByteCount: UInt64 = 4096

  /// A file without its elements.
  struct Structure {
    /// All that isn't elements.
    var image: HDF5Image
    /// Where the elements of each dataset start that has them in one piece.
    var offsets: [Int?]
    /// Where the chunks of each dataset are that is compressed, in row-major order.
    var chunkOffsets: [[Int]]

    /// How long the file is, elements included.
    var byteCount: Int { image.byteCount }
  }

  /// The file's name, for errors.
  let path: String
  let description: HDF5FileDescription
  /// The sizes of the chunks of each dataset, in row-major order; none of any where the chunks aren't there yet.
  var chunkSizes: [[Int]] = []

  /// - Throws: `inputOutput`, `unsupported` for an attribute that is too large, `outOfMemory`.
  func build() throws -> Structure {
    var structure = Structure(
      image: try HDF5Image(mostChunkBytes: chunkSizes.lazy.joined().max() ?? 0),
      offsets: description.datasets.map { _ in nil }, chunkOffsets: description.datasets.map { _ in [] })
    // The library writes the last of it when it closes the file.
    defer { withExtendedLifetime(structure.image) {} }
    try fill(&structure)
    return structure
  }

  private func fill(_ structure: inout Structure) throws {
    let creation = try HDF5Identifier(
      chdf5_create_properties(.ofFileCreation), "the properties of file creation", in: path)
    let access = try HDF5Identifier(chdf5_create_properties(.ofFileAccess), "the properties of file access", in: path)
    for status in [
      chdf5_set_track_times(creation.id, false), chdf5_set_oldest_format(access.id),
      chdf5_set_alignment(access.id, Self.alignedByteCount, Self.pageByteCount), structure.image.keep(access.id),
    ] {
      try HDF5Failure.check(status, "can't choose the format", in: path)
    }
    let file = try HDF5Identifier(chdf5_create_file(path, creation.id, access.id), "the new file", in: path)
    for attribute in description.attributes { try write(attribute, to: file.id, of: "the file") }
    try makeDatasets(in: file.id, &structure)
    for (index, sizes) in chunkSizes.enumerated() where !sizes.isEmpty {
      structure.chunkOffsets[index] = try placeChunks(sizes, of: description.datasets[index], file.id, structure.image)
    }
    try HDF5Failure.check(chdf5_flush_file(file.id), "can't write the structure", in: path)
  }

  private func write(_ attribute: HDF5NamedAttribute, to object: chdf5_id, of what: String) throws {
    // The formats that every version of the library reads keep an attribute in an object header, within 64 KiB.
    let limit = 64_000
    guard attribute.value.byteCount <= limit else {
      throw MusterError(
        .unsupported,
        "the attribute \"\(attribute.name)\" of \(what) in \"\(path)\" takes \(attribute.value.byteCount) bytes; "
          + "\(limit) is the most", fix: "Write it as a dataset")
    }
    try attribute.value.write(to: object, name: attribute.name, path: path)
  }

  private func makeDatasets(in file: chdf5_id, _ structure: inout Structure) throws {
    let linkCreation = try HDF5Identifier(chdf5_create_properties(.ofLinkCreation), "the properties of links", in: path)
    try HDF5Failure.check(
      chdf5_set_create_intermediate_groups(linkCreation.id), "can't choose the properties of links", in: path)
    for (index, dataset) in description.datasets.enumerated() {
      structure.offsets[index] = try make(dataset, in: file, linkCreation.id)
    }
    for dataset in description.datasets where !dataset.isDimensionScale { try attachScales(to: dataset, file) }
  }

  /// Makes a dataset; returns where its elements start, where it has them in one piece.
  private func make(_ description: HDF5DatasetDescription, in file: chdf5_id, _ linkCreation: chdf5_id) throws -> Int? {
    let creation = try HDF5Identifier(
      chdf5_create_properties(.ofDatasetCreation), "the properties of datasets", in: path)
    try HDF5Failure.check(chdf5_set_track_times(creation.id, false), "can't choose the layout", in: path)
    if let storage = description.storage {
      try choose(storage, creation.id)
    } else {
      try HDF5Failure.check(chdf5_set_contiguous_unfilled(creation.id), "can't choose the layout", in: path)
    }
    let type = try HDF5ElementType.type(description.elementType, path: path)
    let space = try HDF5Shape.space(description.shape, path: path)
    let dataset = try HDF5Identifier(
      chdf5_create_dataset(file, description.linkName, type.id, space.id, linkCreation, creation.id),
      "a place for the dataset \"\(description.name)\"", in: path)
    if description.isDimensionScale {
      try HDF5Failure.check(
        chdf5_make_scale(dataset.id, description.linkName.split(separator: "/").last.map(String.init) ?? ""),
        "can't make \"\(description.name)\" a dimension scale", in: path)
    }
    for attribute in description.attributes { try write(attribute, to: dataset.id, of: "\"\(description.name)\"") }
    guard description.storage == nil, description.shape.allSatisfy({ $0 > 0 }) else { return nil }
    var offset: UInt64 = 0
    guard chdf5_dataset_offset(dataset.id, &offset) else {
      throw HDF5Failure.error("\"\(description.name)\" got no place", in: path)
    }
    return Int(offset)
  }

  private func choose(_ storage: HDF5ChunkedStorage, _ creation: chdf5_id) throws {
    let shape = storage.chunkShape.map(UInt64.init)
    try HDF5Failure.check(
      chdf5_set_chunked_unfilled(creation, Int32(shape.count), shape), "can't choose chunks of \(shape)", in: path)
    if storage.shuffle { try HDF5Failure.check(chdf5_add_shuffle(creation), "can't have bytes shuffled", in: path) }
    try HDF5Failure.check(
      chdf5_add_deflate(creation, UInt32(storage.level)), "can't have chunks compressed", in: path)
  }

  private func attachScales(to description: HDF5DatasetDescription, _ file: chdf5_id) throws {
    for case (let axis, let dimension?) in zip(description.shape.indices, description.dimensions) {
      let dataset = try HDF5Identifier(
        chdf5_open_object(file, description.linkName), "the dataset \"\(description.name)\"", in: path)
      let scale = try HDF5Identifier(
        chdf5_open_object(file, HDF5DatasetDescription.link(dimension)), "the dimension \"\(dimension)\"", in: path)
      try HDF5Failure.check(
        chdf5_attach_scale(dataset.id, scale.id, UInt32(axis)),
        "can't attach \"\(dimension)\" to axis \(axis) of \"\(description.name)\"", in: path)
    }
  }

  private func placeChunks(
    _ sizes: [Int], of description: HDF5DatasetDescription, _ file: chdf5_id, _ image: HDF5Image
  ) throws -> [Int] {
    guard let storage = description.storage else {
      throw MusterError(.internal, "chunks of \"\(description.name)\", which has none")
    }
    let dataset = try HDF5Identifier(
      chdf5_open_object(file, description.linkName), "the dataset \"\(description.name)\"", in: path)
    return try sizes.enumerated().map { chunk, size in
      let origin = storage.origin(of: chunk, in: description.shape).map(UInt64.init)
      let mask = size == storage.byteCount(of: description.elementType) ? storage.maskWithoutDeflate : 0
      guard let offset = image.place(ofChunkAt: origin, byteCount: size, filterMask: mask, in: dataset.id) else {
        throw HDF5Failure.error("a chunk of \"\(description.name)\" got no place", in: path)
      }
      return offset
    }
  }
}
