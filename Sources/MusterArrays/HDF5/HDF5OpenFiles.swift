import CHDF5
import Glibc
import MusterRuntime

/// The files and datasets that the library has open for reading: the most recently used ones stay open, as opening
/// costs more than reading a small block.
///
/// A file counts as the same as long as its size and time of modification are; one that was rewritten is opened anew.
struct HDF5OpenFiles: ~Copyable {
  private struct OpenFile {
    var path: String
    var identity: FileIdentity
    var file: chdf5_id
    var datasets: [String: chdf5_id] = [:]
  }

  private static let fileLimit = 16
  private static let datasetLimit = 64
  /// Most recently used last.
  private var files: [OpenFile] = []

  /// A file of that path in its present state.
  mutating func file(_ path: String) throws -> (chdf5_id, FileIdentity) {
    let index = try open(path)
    return (files[index].file, files[index].identity)
  }

  /// The dataset in the file in the state in which it was inspected.
  ///
  /// - Throws: `inputOutput` where the file was changed since.
  mutating func dataset(_ info: HDF5DatasetInfo) throws -> chdf5_id {
    let index = try open(info.path)
    try info.checkUnchanged(files[index].identity)
    if let dataset = files[index].datasets[info.name] { return dataset }
    if files[index].datasets.count >= Self.datasetLimit { closeDatasets(index) }
    let dataset = chdf5_open_object(files[index].file, info.name)
    guard dataset >= 0 else { throw HDF5Failure.error("can't open the dataset \"\(info.name)\"", in: info.path) }
    files[index].datasets[info.name] = dataset
    return dataset
  }

  private mutating func open(_ path: String) throws -> Int {
    if let index = files.firstIndex(where: { $0.path == path }) {
      let known = files.remove(at: index)
      files.append(known)
      var status = stat()
      if stat(path, &status) == 0, FileIdentity(status) == known.identity { return files.count - 1 }
      closeLast()
    }
    let (_, identity) = try HDF5FileProbe.open(path)
    while files.count >= Self.fileLimit {
      files.append(files.removeFirst())
      closeLast()
    }
    let access = try HDF5Identifier(
      chdf5_create_properties(.ofFileAccess), "the properties of file access", in: path)
    try HDF5Failure.check(chdf5_set_file_locking(access.id, false), "can't switch file locks off", in: path)
    let file = chdf5_open_file(path, access.id)
    guard file >= 0 else {
      let (text, system) = HDF5Library.lastFailure()
      throw system?.error("open", path)
        ?? MusterError(
          .damagedFile, "\"\(path)\" can't be opened as HDF5\(text)",
          fix: "Check it with `h5dump -H`; if that fails as well, copy the file again")
    }
    files.append(OpenFile(path: path, identity: identity, file: file))
    return files.count - 1
  }

  private mutating func closeDatasets(_ index: Int) {
    for dataset in files[index].datasets.values { chdf5_close(dataset) }
    files[index].datasets = [:]
  }

  private mutating func closeLast() {
    closeDatasets(files.count - 1)
    chdf5_close(files.removeLast().file)
  }
}
