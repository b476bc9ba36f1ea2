internal import CMPI
internal import Glibc
internal import Synchronization

/// MPI's calls, with failures turned into the end of the job: after a failed call MPI promises nothing.
enum MPI {
  /// The longest message: counts are 32-bit in MPI before version 4, so longer ones go in pieces.
  static let longestPiece = 1 << 30

  static func check(_ code: Int32, _ call: StaticString) {
    guard code != 0 else { return }
    var text = [CChar](repeating: 0, count: 512)
    cmpi_error_string(code, &text, 512)
    let reason = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    var world: cmpi_comm = 0
    cmpi_comm_world(&world)
    FatalEnd.end("\(call) failed: \(reason)", comm: world)
  }

  /// The pieces of a long message, as offsets and sizes.
  static func pieces(of byteCount: Int, size pieceSize: Int) -> [(offset: Int, count: Int32)] {
    stride(from: 0, to: byteCount, by: pieceSize).map { ($0, Int32(min(pieceSize, byteCount - $0))) }
  }

  /// Whether somebody has started MPI in this process. May be asked on any thread.
  static var isInitialized: Bool {
    var flag: Int32 = 0
    check(cmpi_is_initialized(&flag), "MPI_Initialized")
    return flag != 0
  }

  /// Whether somebody has ended MPI in this process. May be asked on any thread.
  static var isFinalized: Bool {
    var flag: Int32 = 0
    check(cmpi_is_finalized(&flag), "MPI_Finalized")
    return flag != 0
  }
}

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
