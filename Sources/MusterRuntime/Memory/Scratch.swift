internal import Glibc
internal import Synchronization

/// Blocks on disk: the scratch folder and its files. Nothing is made before the first block is written.
package final class Scratch: Sendable {
  private struct State {
    var folder: ScratchFolder?
    var files: [Int: SpillFile] = [:]
    var space = SpillSpace()
    var bundles: [BundlePlace: Bundle] = [:]
  }
  private struct BundlePlace: Hashable {
    var file: Int
    var offset: Int
  }
  private struct Bundle {
    var byteCount: Int
    /// How many of its blocks are in use.
    var count: Int
  }
  private let environment: [String: String]
  private let state = Mutex(State())

  /// - Parameter environment: Where the folder is looked up, as `ScratchPlace` says.
  package init(environment: [String: String]) { self.environment = environment }

  /// The folder, where there is one already.
  package var path: String? { state.withLock { $0.folder?.path } }
  /// What is in use of the files.
  package var usedBytes: Int { state.withLock { $0.space.usedBytes } }

  /// Removes what crashed processes of this user have left on this host, where scratch files go.
  package static func removeRemains(environment: [String: String]) throws(MusterError) {
    ScratchFolder.removeRemains(in: try ScratchPlace.folder(environment))
  }

  /// The same at a session's start, on a thread of its own: whoever launches a program shouldn't wait for it.
  package static func removeRemainsInBackground(environment: [String: String]) {
    SystemThread.start(name: "muster-remains") {
      // A folder that can't be used is told of when the first block goes there.
      try? removeRemains(environment: environment)
    }
  }

  /// Writes blocks together, and says where each lies.
  func write(_ batch: SpillBatch) throws(MusterError) -> [SpillPlace] {
    let total = batch.byteCount
    let (file, number, start) = try reserve(total)
    do throws(MusterError) {
      try file.write(batch.parts, at: start)
    } catch {
      free(file: number, offset: start, byteCount: total)
      throw error
    }
    withExtendedLifetime(batch) {}
    SpillTraffic.wrote(bytes: total)
    let bundles = batch.bundles(at: start)
    if !bundles.isEmpty {
      state.withLock { state in
        for bundle in bundles {
          state.bundles[BundlePlace(file: number, offset: bundle.offset)] = Bundle(
            byteCount: bundle.byteCount, count: bundle.count)
        }
      }
    }
    return batch.places(file: number, at: start)
  }

  private func reserve(_ byteCount: Int) throws(MusterError) -> (SpillFile, number: Int, offset: Int) {
    try state.withLock { state throws(MusterError) in
      if state.folder == nil {
        Self.ignoreFileSizeSignal()
        let place = try ScratchPlace.folder(environment)
        if ScratchPlace.isInMemory(place) {
          StandardStreams.writeError(
            "muster: warning: blocks that don't fit go to scratch files in '\(place)', which is in memory itself: the node has"
              + " no more of it than before. Set MUSTER_SCRATCH to a folder on a disk\n")
        }
        state.folder = try ScratchFolder(in: place)
      }
      let (number, offset) = state.space.reserve(byteCount)
      if let file = state.files[number] { return (file, number, offset) }
      do throws(MusterError) {
        let file = try SpillFile(path: "\(state.folder!.path)/blocks-\(number)")
        state.files[number] = file
        return (file, number, offset)
      } catch {
        _ = state.space.free(file: number, byteCount: byteCount)
        throw error
      }
    }
  }

  /// Reads a block.
  ///
  /// - Throws: What reading throws, or what decoding does.
  func read(_ place: SpillPlace, as type: any Block.Type) throws -> any Block {
    guard let file = state.withLock({ $0.files[place.file] }) else {
      throw MusterError(.internal, "a block was to be read from a scratch file that isn't there any more")
    }
    let arriving = try SpillRecord.Arriving(place)
    try file.read(arriving.parts, at: arriving.offset)
    SpillTraffic.read(bytes: arriving.byteCount)
    return try arriving.block(as: type)
  }

  /// The block at a place isn't needed any more.
  func free(_ place: SpillPlace) {
    guard let start = place.bundle else {
      return free(file: place.file, offset: place.offset, byteCount: place.byteCount)
    }
    // The last of a bundle frees the pages.
    let byteCount = state.withLock { state -> Int? in
      let bundle = BundlePlace(file: place.file, offset: start)
      state.bundles[bundle]!.count -= 1
      guard state.bundles[bundle]!.count == 0 else { return nil }
      return state.bundles.removeValue(forKey: bundle)!.byteCount
    }
    if let byteCount { free(file: place.file, offset: start, byteCount: byteCount) }
  }

  private func free(file number: Int, offset: Int, byteCount: Int) {
    // Let go outside of the lock: closing a large file takes long.
    var removed: SpillFile?
    let punched = state.withLock { state -> SpillFile? in
      switch state.space.free(file: number, byteCount: byteCount) {
      case .punch: return state.files[number]
      case .truncate:
        // Under the lock: the next write begins at its start.
        state.files[number]?.truncate()
        return nil
      case .remove:
        removed = state.files.removeValue(forKey: number)
        return nil
      }
    }
    punched?.punch(offset: offset, byteCount: byteCount)
    withExtendedLifetime(removed) {}
  }

  /// Removes all files, and the folder.
  func removeAll() {
    var old = state.withLock { state in
      defer { state = State() }
      return state
    }
    // A file of a network that is open keeps a name of sorts, and its folder.
    old.files = [:]
    old.folder = nil
  }

  /// From now on writing beyond the limit on the size of files fails with an error that says so; by default the system
  /// ends the process, by SIGXFSZ. A handler that the program has set stays.
  private static func ignoreFileSizeSignal() {
    var action = sigaction()
    // The default is no handler: a null pointer.
    guard sigaction(SIGXFSZ, nil, &action) == 0, action.__sigaction_handler.sa_handler == nil else { return }
    signal(SIGXFSZ, SIG_IGN)
  }
}
