internal import CLinux
internal import Glibc
internal import Synchronization

/// Keeps what the program prints on rank 0 beside its journal, so that a run that goes on after another doesn't print it
/// again: standard output goes into a file, and from there to where it went before.
///
/// The file has all that the program has printed, over all its runs, once. A thread passes it on: who prints, or records
/// how much was printed, doesn't wait for whoever reads standard output. Where a run was killed, what it had passed on in
/// its last moment may be passed on twice.
final class OutputKeeper: Sendable {
  struct State {
    /// Standard output as it was.
    var original: Int32 = -1
    var file: Int32 = -1
    /// How much of the file has been passed on.
    var passedOn: UInt64 = 0
    /// How much of that has been told.
    var told: UInt64 = 0
    /// How much had been printed when that was asked for last.
    var recorded: UInt64 = 0
    /// Standard output goes into the file.
    var isKeeping = false
    /// Hears how much has been passed on.
    var tell: @Sendable (UInt64) -> Void = { _ in }
    /// Waits until what was told lasts.
    var settle: @Sendable () -> Void = {}
  }

  /// How often what was printed is passed on while no collective ends, in nanoseconds.
  private static let interval = 100_000_000
  /// How often at most, in microseconds.
  private static let collecting: UInt32 = 1_000
  static let current = Mutex<OutputKeeper?>(nil)
  /// What was printed is passed on when the program calls `exit`, too, and not again by the next run.
  private static let flushesAtExit: Bool =
    atexit {
      StandardStreams.flushBufferedOutput()
      guard let keeper = current.withLock({ $0 }) else { return }
      keeper.passOnAndTell()
      keeper.state.withLock { $0.settle }()
    } == 0

  /// How much is passed on.
  enum Extent: Sendable {
    /// What was there when somebody asked how much there is.
    case recorded
    case all
  }

  let path: String
  let state = Mutex(State())
  /// Held by who passes on, which may take long: nobody reads standard output, say.
  let passing = Mutex(())
  /// Held while the file has to stay open.
  private let syncing = Mutex(())
  /// Wakes the thread that passes on, which doesn't keep the rest of this.
  private final class Wake: Sendable {
    let lock = ConditionLock()
    /// Something was printed.
    let isDue = Atomic(false)

    /// Returns whether it was called.
    func wait() -> Bool {
      lock.withLock {
        if !isDue.load(ordering: .relaxed) { lock.wait(nanoseconds: OutputKeeper.interval) }
        return isDue.exchange(false, ordering: .relaxed)
      }
    }

    func call() {
      guard !isDue.load(ordering: .relaxed) else { return }
      lock.withLock {
        isDue.store(true, ordering: .relaxed)
        lock.signal()
      }
    }
  }
  private let wake = Wake()

  init(path: String) { self.path = path }

  /// From now on nothing is printed: it has been already.
  func hold() throws(MusterError) {
    let nowhere = try Self.opened("/dev/null", O_WRONLY)
    defer { close(nowhere) }
    try state.withLock { state throws(MusterError) in
      try Self.redirect(to: nowhere, &state)
    }
  }

  /// From now on what is printed goes into the file, behind its first bytes, and is passed on.
  ///
  /// - Parameters:
  ///   - length: how many bytes of the file are kept.
  ///   - passedOn: how many bytes have been: more than are kept where the program is about to print again what it has.
  ///   - tell: hears how many have been.
  ///   - settle: waits until what was told lasts.
  /// - Returns: how many have been passed on of the file as it is.
  /// - Throws: `MusterError` with code `permissionDenied`, `diskFull` or `inputOutput` where the file can't be opened.
  func begin(
    at length: UInt64, passedOn: UInt64, tell: @escaping @Sendable (UInt64) -> Void,
    settle: @escaping @Sendable () -> Void
  ) throws(MusterError) -> UInt64 {
    let file = try Self.opened(path, O_RDWR | O_CREAT)
    var status = stat()
    guard fstat(file, &status) == 0 else { throw Self.failure(path) }
    // Where the machine stopped the journal may have come to disk before the output.
    let start = min(length, UInt64(status.st_size))
    var original = stat()
    // It may be held back by now.
    let output = state.withLock { $0.original >= 0 ? $0.original : STDOUT_FILENO }
    if fstat(output, &original) == 0, original.st_dev == status.st_dev, original.st_ino == status.st_ino {
      throw MusterError(
        .invalidArgument, "standard output goes to '\(path)', where the journal keeps what the program prints",
        fix: "Give the journal, or the output, another name")
    }
    _ = Self.flushesAtExit
    if start < length {
      StandardStreams.writeError(
        "muster: warning: '\(path)' isn't as the program left it: of the \(length) bytes that it has printed"
          + " \(length - start) are missing there\n")
    }
    guard ftruncate(file, off_t(start)) == 0, lseek(file, off_t(start), SEEK_SET) >= 0 else {
      throw Self.failure(path)
    }
    // What was passed on of text behind the last call comes right after what is left.
    let passedOn = passedOn < length ? min(passedOn, start) : start + (passedOn - length)
    try state.withLock { state throws(MusterError) in
      try Self.redirect(to: file, &state)
      // What couldn't be written before the session is no matter of the journal's.
      clinux_clear_output_failure()
      state.file = file
      state.passedOn = passedOn
      state.told = passedOn
      state.tell = tell
      state.settle = settle
      state.isKeeping = true
    }
    Self.current.withLock { $0 = self }
    SystemThread.start(name: "muster-output") { [weak self, wake] in
      while true {
        // Of what is printed after a collective the journal knows at the next one: so far it may be printed again.
        let isCalled = wake.wait()
        guard self?.passOnAndTell(isCalled ? .recorded : .all) == true else { return }
        // What is printed line by line goes on in pieces.
        usleep(Self.collecting)
      }
    }
    return passedOn
  }

  /// How much has been printed; it is passed on soon.
  func length() -> UInt64 {
    StandardStreams.flushBufferedOutput()
    let (length, isNew) = state.withLock { state -> (UInt64, Bool) in
      guard state.isKeeping else { return (state.passedOn, false) }
      // Where the next byte goes: all that print share the place. Quicker than to ask for the file's size.
      let length = UInt64(max(0, lseek(state.file, 0, SEEK_CUR)))
      state.recorded = length
      return (length, length > state.passedOn)
    }
    if isNew { wake.call() }
    return length
  }

  /// What the program printed doesn't come into the file. What comes after the last call that the journal has is printed
  /// again by the next run: it has to have no further one.
  var failure: MusterError? {
    guard clinux_output_has_failed() != 0 else { return nil }
    return state.withLock { state in
      guard state.isKeeping else { return nil }
      // Nobody has kept why.
      let end = lseek(state.file, 0, SEEK_END)
      var byte: UInt8 = 0
      guard pwrite(state.file, &byte, 1, end) == 1 else { return Self.failure(path) }
      ftruncate(state.file, end)
      return MusterError(
        .inputOutput, "'\(path)', where a journal keeps what the program prints, couldn't be written for a while",
        fix: "Start the program again: it goes on after the last call that the journal has, and prints the rest again")
    }
  }

  /// Has what was printed last. Returns the error that it met.
  func sync() -> MusterError? {
    // Who prints doesn't wait for the disk.
    syncing.withLock { _ in
      guard let file = state.withLock({ $0.isKeeping ? $0.file : nil }) else { return nil }
      return fdatasync(file) == 0 || errno == EINVAL ? nil : Self.failure(path)
    }
  }

  /// Standard output goes where it went before. What hasn't been passed on isn't.
  func end() {
    StandardStreams.flushBufferedOutput()
    Self.current.withLock { if $0 === self { $0 = nil } }
    func restore(closing: Bool) {
      syncing.withLock { _ in restoreLocked(closing: closing) }
    }
    func restoreLocked(closing: Bool) {
      state.withLock { state in
        guard state.original >= 0 else { return }
        dup2(state.original, STDOUT_FILENO)
        if closing { close(state.original) }
        if state.file >= 0 { close(state.file) }
        state = State()
      }
    }
    // A thread that waits for a reader still has the descriptor in use.
    if passing.withLockIfAvailable({ _ in restore(closing: true) }) == nil { restore(closing: false) }
  }

  private static func redirect(to file: Int32, _ state: inout State) throws(MusterError) {
    StandardStreams.flushBufferedOutput()
    if state.original < 0 {
      state.original = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
      // A program without standard output has none that it could lose.
      if state.original < 0 { state.original = try opened("/dev/null", O_WRONLY) }
    }
    guard dup2(file, STDOUT_FILENO) >= 0 else { throw failure("standard output") }
  }

  private static func opened(_ path: String, _ flags: Int32) throws(MusterError) -> Int32 {
    let file = open(path, flags | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw failure(path) }
    return file
  }

  private static func failure(_ path: String) -> MusterError {
    let number = errno
    return MusterError(
      FileWriting.code(of: number),
      "'\(path)', where a journal keeps what the program prints, can't be written:"
        + " \(FileWriting.text(of: number))",
      fix: FileWriting.wayOut(of: number)
        ?? "Set MUSTER_JOURNAL to a file in a folder that this job may write to")
  }
}
