internal import CMPI
internal import Glibc
internal import Synchronization

/// The end of a job that can't go on: one message, and every rank is gone.
enum FatalEnd {
  private static let begun = Atomic<Bool>(false)
  /// The job is being ended: nothing waits for MPI's thread, or for other ranks, any more.
  static var hasBegun: Bool { begun.load(ordering: .relaxed) }

  static func end(_ message: String, comm: cmpi_comm) -> Never {
    StandardStreams.writeError("muster: fatal: \(message)\n", isLast: true)
    StandardStreams.letErrorsThrough()
    abort(comm: comm)
  }

  /// Ends the job without a word: another rank has said why.
  static func abort(comm: cmpi_comm) -> Never {
    begun.store(true, ordering: .relaxed)
    // MPI may wait for a rank, or a launcher, that is gone: the kernel ends this process then.
    StandardStreams.flushLastOutput()
    cmpi_abort(comm, 1)
    _exit(1)
  }
}
