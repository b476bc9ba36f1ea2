internal import FoundationEssentials
internal import Glibc
internal import MusterJournal
internal import Synchronization

/// Keeps blocks on disk beside a journal, for a run that goes on after this one. Each process writes files of its own: one
/// for the results of futures, and one for each other value, which goes when nobody needs it any more.
///
/// A block is told of when it is on disk; a thread sees to that for those of the last tenth of a second.
final class BlockKeeper: Sendable {
  /// A file that blocks may go to again, closed as long as none does: what rank 0 has removed takes no room then.
  private struct ClosedFile {
    var number: Int
    var name: String
    var length: UInt64
  }

  private struct State {
    /// Those that blocks go to, by ledger; that of futures under -1.
    var files: [Int: BlockFile] = [:]
    /// The last that were closed.
    var closed: [ClosedFile] = []
    /// How many files there have been.
    var fileCount = 0
    /// The names of some aren't on disk.
    var hasNewNames = false
    var pending: [(record: PiecesRecord, file: BlockFile)] = []
    /// The disk has said no before.
    var hasWarned = false
    var isClosed = false

    mutating func drop(_ file: BlockFile) {
      for (number, known) in files where known === file { files[number] = nil }
    }

    /// Takes out those that nobody writes to and that nothing of `pending` is in.
    mutating func takeIdle() -> [BlockFile] {
      let busy = Set(pending.map { ObjectIdentifier($0.file) })
      let idle = files.filter { _, file in
        file.writerCount.load(ordering: .relaxed) == 0 && !busy.contains(ObjectIdentifier(file))
      }
      for (number, file) in idle {
        files[number] = nil
        closed.append(ClosedFile(number: number, name: file.name, length: file.end))
      }
      closed.removeFirst(max(0, closed.count - BlockKeeper.mostClosedFiles))
      return Array(idle.values)
    }
  }

  private static let common = -1
  /// Of so many values it's known where blocks went before. Others begin another file.
  private static let mostClosedFiles = 256

  /// What the names of files begin with that have blocks of many values.
  static let sharedStart = "results-"

  let folder: String
  /// Tells this run's and rank's files from others.
  private let suffix: String
  private let tell: @Sendable (PiecesRecord) -> Void
  private let state = Mutex(State())
  private let delayed = DelayedFlush()
  private let removing = Mutex<[String]>([])
  private let removals = DelayedFlush()

  /// - Parameter tell: notes in the journal that blocks are kept; called from any thread.
  init(folder: String, rank: Int, tell: @escaping @Sendable (PiecesRecord) -> Void) {
    self.folder = folder
    suffix = "\(rank)-" + String(UInt64.random(in: .min ... .max), radix: 16)
    self.tell = tell
  }

  /// Keeps a block.
  ///
  /// - Parameter alone: whether it goes into a file of its ledger's.
  /// - Throws: `MusterError` with code `diskFull`, `permissionDenied`, `inputOutput`.
  func keep(
    _ block: any Block, ledger: UInt32, total: Int, call: UInt64, piece: Int, alone: Bool
  ) throws(MusterError) {
    var encoder = BlockEncoder()
    block.encode(into: &encoder)
    // What can't be encoded can't be kept: whoever asks for the value hears why.
    guard encoder.refusal == nil else { return }
    let number = alone ? Int(ledger) : Self.common
    let byteCount = encoder.header.count + encoder.segments.reduce(0) { $0 + $1.byteCount }
    guard let file = try file(of: number) else { return }
    defer { file.writerCount.subtract(1, ordering: .releasing) }
    let offset = file.reserve(byteCount)
    var checksum = Checksum.of(encoder.header[...])
    var end = offset
    var status: Int32 = 0
    func put(_ bytes: UnsafeRawBufferPointer) {
      guard status == 0 else { return }
      status = FileWriting.write(bytes, to: file.number, at: end)
      end += UInt64(bytes.count)
    }
    encoder.header.withUnsafeBytes { put($0) }
    for segment in encoder.segments {
      let bytes = UnsafeRawBufferPointer(start: segment.storage.bytes + segment.offset, count: segment.byteCount)
      checksum = Checksum.adding(bytes, to: checksum)
      put(bytes)
    }
    guard status == 0 else {
      giveUp(file)
      throw failure(status, writing: true)
    }
    let place = Place(
      file: file.name, offset: offset, headerCount: UInt32(encoder.header.count),
      sizes: encoder.segments.map(\.byteCount), checksum: checksum)
    let record = PiecesRecord(
      ledger: ledger, total: UInt32(total), call: call, pieces: [UInt32(piece)], place: place.bytes)
    state.withLock { $0.pending.append((record, file)) }
    flushSoon()
  }

  private func flushSoon() {
    delayed.request {
      self.flushPending()
      // Closed is what has been idle since.
      if self.state.withLock({ !$0.files.isEmpty }) { self.flushSoon() }
    }
  }

  /// Has what is kept on disk, and tells of it.
  func flush() { delayed.now { flushPending() } }

  private func flushPending() {
    // Closing may take its time.
    let (pending, hasNewNames, idle) = state.withLock { state in
      defer {
        state.pending = []
        state.hasNewNames = false
      }
      return (state.pending, state.hasNewNames, state.takeIdle())
    }
    withExtendedLifetime(idle) {}
    if hasNewNames { for path in [folder, "\(folder)/.."] { FileWriting.syncFolder(path) } }
    var synced: Set<ObjectIdentifier> = []
    for (_, file) in pending where synced.insert(ObjectIdentifier(file)).inserted {
      guard fdatasync(file.number) != 0 && errno != EINVAL else { continue }
      warn(errno)
      giveUp(file)
    }
    for (record, file) in pending where !file.hasFailed.load(ordering: .relaxed) {
      file.isTold.store(true, ordering: .relaxed)
      tell(record)
    }
  }

  /// Not all of a file is there, or on disk: what comes next goes into another one.
  private func giveUp(_ file: BlockFile) {
    file.hasFailed.store(true, ordering: .relaxed)
    state.withLock { $0.drop(file) }
    // Nobody else knows of it.
    if !file.isTold.load(ordering: .relaxed) { unlink("\(folder)/\(file.name)") }
  }

  /// The program has what it needs; only a run after this one has to compute it again.
  private func warn(_ status: Int32) {
    let isNews = state.withLock { state in
      defer { state.hasWarned = true }
      return !state.hasWarned
    }
    guard isNews else { return }
    StandardStreams.writeError(
      "muster: warning: what is kept in '\(folder)', beside the journal, doesn't come to disk:"
        + " \(FileWriting.text(of: status)). A run that goes on after this one computes it again\n")
  }

  /// The file that blocks of a ledger go to; nil after the session's end.
  private func file(of number: Int) throws(MusterError) -> BlockFile? {
    let found: Result<BlockFile?, MusterError> = state.withLock { state in
      guard !state.isClosed else { return .success(nil) }
      func writing(_ file: BlockFile) -> Result<BlockFile?, MusterError> {
        file.writerCount.add(1, ordering: .relaxed)
        state.files[number] = file
        return .success(file)
      }
      if let known = state.files[number] { return writing(known) }
      if let place = state.closed.firstIndex(where: { $0.number == number }) {
        let former = state.closed.remove(at: place)
        // It may have been removed.
        let opened = open("\(folder)/\(former.name)", O_WRONLY | O_CLOEXEC)
        if opened >= 0 { return writing(BlockFile(name: former.name, number: opened, length: former.length)) }
      }
      mkdir(folder, 0o777)
      let name =
        number == Self.common
        ? "\(Self.sharedStart)\(suffix)-\(state.fileCount)" : "\(number)-\(suffix)-\(state.fileCount)"
      let opened = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
      guard opened >= 0 else { return .failure(failure(errno, writing: true)) }
      state.fileCount += 1
      state.hasNewNames = true
      return writing(BlockFile(name: name, number: opened))
    }
    return try found.get()
  }

  /// Reads a block that was kept, by this run or another.
  ///
  /// - Throws: `MusterError` with code `fileNotFound`, `damagedFile`, `inputOutput`.
  func block(at place: [UInt8], as type: any Block.Type) throws -> any Block {
    guard let place = Place(place) else { throw damaged(folder) }
    let path = "\(folder)/\(place.file)"
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure(errno, writing: false) }
    defer { close(file) }
    var offset = place.offset
    func read(_ target: UnsafeMutableRawBufferPointer) throws {
      var done = 0
      while done < target.count {
        let count = pread(file, target.baseAddress! + done, target.count - done, off_t(offset))
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw count == 0 ? damaged(path) : failure(errno, writing: false) }
        done += count
        offset += UInt64(count)
      }
    }
    var header = [UInt8](repeating: 0, count: Int(place.headerCount))
    try header.withUnsafeMutableBytes { try read($0) }
    var checksum = Checksum.of(header[...])
    let storages = try place.sizes.map { size in
      let storage = BlockStorage(byteCount: size)
      try read(UnsafeMutableRawBufferPointer(start: storage.bytes, count: size))
      checksum = Checksum.adding(UnsafeRawBufferPointer(start: storage.bytes, count: size), to: checksum)
      return storage
    }
    guard checksum == place.checksum else { throw damaged(path) }
    var decoder = BlockDecoder(header: header, storages: storages)
    return try type.decode(from: &decoder)
  }

  /// What is kept of a value is lost, on any rank: a run that goes on after this one computes it again.
  func forget(_ ledger: UInt32) { tell(PiecesRecord(forgetting: ledger)) }

  private func damaged(_ path: String) -> MusterError {
    MusterError(
      .damagedFile, "a block that is kept in '\(path)', beside the journal, is damaged",
      fix: "Start the program again: what can't be read is computed again then")
  }

  private func failure(_ number: Int32, writing: Bool) -> MusterError {
    MusterError(
      FileWriting.code(of: number),
      "a block that is kept in '\(folder)', beside the journal, can't be \(writing ? "written" : "read"):"
        + " \(FileWriting.text(of: number))",
      fix: writing
        ? (FileWriting.wayOut(of: number) ?? "Start the program again") + ", or put the journal on another disk"
        : "Start the program again: what can't be read is computed again then")
  }

  // MARK: Files that aren't needed, or aren't there, on rank 0

  /// Removes files, whichever rank's. Doesn't wait for that.
  func remove(_ names: [String]) {
    removing.withLock { $0 += names }
    removals.request {
      let names = self.removing.withLock { names in
        defer { names = [] }
        return names
      }
      for name in names { unlink("\(self.folder)/\(name)") }
    }
  }

  /// Of the files that some places name those that aren't there, or end before; files that no place names are removed.
  func lostFiles(of places: some Sequence<Place>) -> Set<String> {
    var ends: [String: UInt64] = [:]
    for place in places { ends[place.file] = max(ends[place.file] ?? 0, place.end) }
    for name in names where ends[name] == nil { unlink("\(folder)/\(name)") }
    return Set(
      ends.filter { name, end in
        var status = stat()
        return stat("\(folder)/\(name)", &status) != 0 || UInt64(status.st_size) < end
      }.keys)
  }

  private var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

  /// Closes the files; nothing more is kept.
  func close() {
    // Closing may take its time.
    let files = state.withLock { state in
      defer {
        state.files = [:]
        state.isClosed = true
      }
      return state.files
    }
    withExtendedLifetime(files) {}
  }

  /// On rank 0: nothing goes on after this run.
  func removeAll() { try? FileManager.default.removeItem(atPath: folder) }

  private func close(_ file: Int32) { _ = Glibc.close(file) }
}
