internal import CMPI

/// Packets of messages from other ranks, put together again where they came in pieces that MPI can count.
///
/// Not `Sendable`: used on the thread that makes the MPI calls.
final class IncomingPackets {
  private let comm: cmpi_comm
  private let traffic: Traffic
  private var partial: [Int: WireBuffer] = [:]
  private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)

  init(comm: cmpi_comm, traffic: Traffic) {
    self.comm = comm
    self.traffic = traffic
  }

  deinit { buffer.deallocate() }

  /// The next whole packet: valid until the next call.
  func next() -> (UnsafeRawBufferPointer, source: Int)? {
    while true {
      guard let status = Self.probe(comm) else { return nil }
      let count = Int(status.byte_count)
      if buffer.count < count {
        buffer.deallocate()
        buffer = .allocate(byteCount: max(count, 2 * buffer.count), alignment: 64)
      }
      MPI.check(
        cmpi_recv(buffer.baseAddress, Int32(count), status.source, Transport.Tag.messages, comm), "MPI_Recv")
      let body = UnsafeRawBufferPointer(rebasing: buffer[..<(count - 1)])
      let continues = buffer[count - 1] != 0
      let source = Int(status.source)
      if !continues && partial[source] == nil { return (body, source) }
      traffic.pieceOfPacket()
      let whole = partial[source] ?? WireBuffer(capacity: 2 * count)
      whole.append(raw: body)
      if continues {
        partial[source] = whole
      } else {
        partial[source] = nil
        finished = whole
        return (UnsafeRawBufferPointer(start: whole.bytes, count: whole.count), source)
      }
    }
  }

  /// Keeps a packet that came in pieces alive while it is read.
  private var finished: WireBuffer?

  /// Takes what nobody waits for any more, such as the last beats of the other ranks: MPI wants no message left behind
  /// at its end.
  static func drain(_ comm: cmpi_comm) {
    while let status = probe(comm) {
      let rest = WireBuffer(capacity: Int(status.byte_count))
      MPI.check(cmpi_recv(rest.bytes, status.byte_count, status.source, Transport.Tag.messages, comm), "MPI_Recv")
    }
  }

  /// What has come and isn't received yet.
  private static func probe(_ comm: cmpi_comm) -> cmpi_status? {
    var flag: Int32 = 0
    var status = cmpi_status()
    MPI.check(cmpi_iprobe_any_source(Transport.Tag.messages, comm, &flag, &status), "MPI_Iprobe")
    return flag != 0 ? status : nil
  }
}
