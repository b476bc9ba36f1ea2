internal import CMPI

/// MPI's calls, with failures turned into the end of the job: after a failed call MPI promises nothing.
enum MPI {
  /// The longest message: counts are 32-bit in MPI before version 4, so longer ones go in pieces.
  static let longestPiece = 1 << 30

  static func check(_ code: Int32, _ call: StaticString) {
    guard code != 0 else { return }
    var text = [CChar](repeating: 0, count: 512)
    cmpi_error_string(code, &text, 512)
    let reason = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    StandardStreams.writeError("muster: \(call) failed: \(reason)\n")
    var world: cmpi_comm = 0
    cmpi_comm_world(&world)
    cmpi_abort(world, 1)
  }

  static func finalize() { check(cmpi_finalize(), "MPI_Finalize") }

  /// The pieces of a long message, as offsets and sizes.
  static func pieces(of byteCount: Int, size pieceSize: Int) -> [(offset: Int, count: Int32)] {
    stride(from: 0, to: byteCount, by: pieceSize).map { ($0, Int32(min(pieceSize, byteCount - $0))) }
  }
}
