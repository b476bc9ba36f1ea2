internal import CMPI
internal import Glibc
internal import MusterScheduling

/// Moves messages and blocks between ranks through MPI. Used on one thread only.
///
/// Messages to a rank are collected and go out together at `flush()`. The bulk of a block follows its message
/// without a copy, in pieces that MPI can count; between two ranks MPI keeps their order.
final class Transport {
  enum Tag {
    static let messages: Int32 = 1
    static let bulk: Int32 = 2
  }

  private struct Sending {
    var request: cmpi_request
    var buffer: WireBuffer?
    var storage: BlockStorage?
  }

  private struct Receiving {
    var requests: [cmpi_request]
    var storages: [BlockStorage]
    var source: Int
    var message: BlockMessage
    var begin: Int
  }

  /// A block whose bulk is to come: MPI leaves it with the sender until it is received.
  private struct Announced {
    var source: Int
    var message: BlockMessage
    var begin: Int
  }

  private struct Broadcasting {
    var storage: BlockStorage
    var offset: Int
    var count: Int32
    var request: cmpi_request?
  }

  /// What came in.
  enum Incoming {
    case message(Message, source: Int)
    case block(BlockMessage, [BlockStorage], source: Int)
  }

  /// Blocks up to this size travel in their message.
  static let inlineLimit = BlockTransit.largestInMessage
  private static let flushSize = 1 << 20
  private static let broadcastWindow = 8

  private let comm: cmpi_comm
  private let pieceSize: Int
  private let traffic: Traffic
  let rank: Int
  let size: Int
  /// The number of the session; goes with every message. What is left of another session isn't heeded.
  private let session: UInt32

  /// Messages count as on their way until they are being received, from now on.
  var waitsForReceipt = false
  /// Where transfers are told of.
  private let events: TraceRecorder?

  private var outgoing: [WireBuffer?]
  private var pendingDestinations: [Int] = []
  private var spare: [WireBuffer] = []
  private var sending: [Sending] = []
  private var announced: [Announced] = []
  private var receiving: [Receiving] = []
  /// What is on its way in bulk. A block that goes to several ranks counts once.
  private(set) var transit = BlockTransit()
  /// How many pieces of a storage are being sent.
  private var piecesBeingSent: [ObjectIdentifier: Int] = [:]
  private var broadcasting: [Broadcasting] = []
  private let packets: IncomingPackets

  init(_ world: World, traffic: Traffic, events: TraceRecorder?) {
    comm = world.comm
    packets = IncomingPackets(comm: world.comm, traffic: traffic)
    pieceSize = world.pieceSize
    self.traffic = traffic
    self.events = events
    rank = world.rank
    size = world.size
    Self.sessions += 1
    session = Self.sessions
    outgoing = Array(repeating: nil, count: world.size)
  }

  /// Safe: transports are made on the thread that makes the MPI calls, one after the other.
  nonisolated(unsafe) private static var sessions: UInt32 = 0

  private func pieces(of byteCount: Int) -> [(offset: Int, count: Int32)] {
    MPI.pieces(of: byteCount, size: pieceSize)
  }

  /// Nothing is on its way out or being broadcast.
  var isQuiet: Bool {
    sending.isEmpty && announced.isEmpty && receiving.isEmpty && broadcasting.isEmpty && pendingDestinations.isEmpty
  }
  var isBroadcasting: Bool { !broadcasting.isEmpty }

  // MARK: Sending

  func send(_ message: Message, to destination: Int) {
    guard !hasDeparted else { return }
    let buffer: WireBuffer
    if let open = outgoing[destination] {
      buffer = open
    } else {
      buffer = spare.popLast() ?? WireBuffer()
      buffer.put(session)
      outgoing[destination] = buffer
      pendingDestinations.append(destination)
    }
    message.write(to: buffer)
    if case .retract(let task, let attempt) = message {
      events?.retracts(task, attempt: attempt, from: destination)
    }
    if buffer.count >= Self.flushSize { flush() }
  }

  /// Sends a block: small ones within the message, bulk behind it.
  func send(_ block: any Block, of task: TaskID, to destination: Int) {
    guard !hasDeparted else { return }
    let begin = events == nil ? 0 : MonotonicClock.nanoseconds
    var encoder = BlockEncoder()
    block.encode(into: &encoder)
    var message = BlockMessage(
      task: task, header: encoder.header, sizes: encoder.segments.map(\.byteCount), isInline: false, inlineBytes: [])
    defer {
      events?.sent(
        task, bytes: message.byteCount, to: destination, begin: begin,
        end: MonotonicClock.nanoseconds)
    }
    if message.byteCount <= Self.inlineLimit {
      message.isInline = true
      for segment in encoder.segments {
        message.inlineBytes += UnsafeRawBufferPointer(
          start: segment.storage.bytes + segment.offset, count: segment.byteCount)
      }
      send(.block(message), to: destination)
      return
    }
    send(.block(message), to: destination)
    for segment in encoder.segments {
      for piece in pieces(of: segment.byteCount) {
        var request: cmpi_request = 0
        MPI.check(
          // It has gone when it is being received: MPI keeps no copy of it anywhere, and none outlives the session.
          cmpi_issend(
            segment.storage.bytes + segment.offset + piece.offset, piece.count, Int32(destination), Tag.bulk, comm,
            &request), "MPI_Issend")
        sending.append(Sending(request: request, buffer: nil, storage: segment.storage))
        let pieces = piecesBeingSent[ObjectIdentifier(segment.storage), default: 0]
        if pieces == 0 { transit.sendingBytes += segment.storage.byteCount }
        piecesBeingSent[ObjectIdentifier(segment.storage)] = pieces + 1
      }
    }
  }

  /// Passes a small block on as it came.
  func forward(_ block: BlockMessage, to destination: Int) {
    let begin = events == nil ? 0 : MonotonicClock.nanoseconds
    send(.block(block), to: destination)
    events?.sent(
      block.task, bytes: block.byteCount, to: destination, begin: begin, end: MonotonicClock.nanoseconds)
  }

  /// Hands what has been collected to MPI.
  func flush() {
    for destination in pendingDestinations {
      guard let buffer = outgoing[destination] else { continue }
      outgoing[destination] = nil
      // A last byte says whether another piece of the same packet follows.
      let pieces = pieces(of: buffer.count)
      for (number, piece) in pieces.enumerated() {
        let last = number == pieces.count - 1
        let packet: WireBuffer
        if last && pieces.count == 1 {
          buffer.put(false)
          packet = buffer
        } else {
          packet = WireBuffer(capacity: Int(piece.count) + 16)
          packet.append(raw: UnsafeRawBufferPointer(start: buffer.bytes + piece.offset, count: Int(piece.count)))
          packet.put(!last)
        }
        var request: cmpi_request = 0
        let send = waitsForReceipt ? cmpi_issend : cmpi_isend
        MPI.check(
          send(packet.bytes, Int32(packet.count), Int32(destination), Tag.messages, comm, &request),
          waitsForReceipt ? "MPI_Issend" : "MPI_Isend")
        sending.append(Sending(request: request, buffer: packet, storage: nil))
      }
    }
    pendingDestinations.removeAll(keepingCapacity: true)
  }

  /// Sends what has been collected, as far as it goes out within a moment: the job is about to end.
  func settle() {
    flush()
    let patience = MonotonicClock.nanoseconds + 20_000_000
    while !isQuiet && MonotonicClock.nanoseconds < patience { _ = poll(admitting: { _ in true }, handing: { _ in }) }
  }

  // MARK: Broadcasting from rank 0

  /// Every rank calls it with storages of the same sizes in the same order.
  func broadcast(_ parts: [(storage: BlockStorage, offset: Int, byteCount: Int)]) {
    for part in parts {
      for piece in pieces(of: part.byteCount) {
        broadcasting.append(
          Broadcasting(storage: part.storage, offset: part.offset + piece.offset, count: piece.count, request: nil))
      }
    }
  }

  private func progressBroadcasts() -> Bool {
    var progressed = false
    while true {
      for index in broadcasting.indices.prefix(Self.broadcastWindow) where broadcasting[index].request == nil {
        var request: cmpi_request = 0
        MPI.check(
          cmpi_ibcast(
            broadcasting[index].storage.bytes + broadcasting[index].offset, broadcasting[index].count, 0, comm,
            &request), "MPI_Ibcast")
        broadcasting[index].request = request
      }
      guard var request = broadcasting.first?.request else { return progressed }
      var flag: Int32 = 0
      MPI.check(cmpi_test(&request, &flag), "MPI_Test")
      broadcasting[0].request = request
      guard flag != 0 else { return progressed }
      broadcasting.removeFirst()
      traffic.pieceOfBroadcast()
      progressed = true
    }
  }

  // MARK: Leaving

  private var departure: cmpi_request?
  /// This rank sends no more: those who have left wouldn't receive it, and it would wait for them.
  private var hasDeparted: Bool { departure != nil }

  /// Whether every rank has come here with nothing on its way any more. To be called again and again, between `poll`
  /// and `poll`: what the others still send is received until then. What this rank is to send from then on isn't sent: a
  /// task or a disk that has come to an end concerns nobody any more.
  func leave() -> Bool {
    guard isQuiet else { return false }
    var request = departure ?? 0
    if departure == nil { MPI.check(cmpi_ibarrier(comm, &request), "MPI_Ibarrier") }
    var flag: Int32 = 0
    MPI.check(cmpi_test(&request, &flag), "MPI_Test")
    departure = request
    return flag != 0
  }

  // MARK: Receiving

  /// Moves everything on and hands over what came in.
  ///
  /// - Parameter admitting: Whether bulk of so many bytes may come now; else it's asked again at the next call. Meanwhile no
  ///   other bulk of the same source comes either, since MPI keeps their order.
  /// - Returns: Whether anything happened.
  func poll(admitting: (Int) -> Bool, handing handle: (Incoming) -> Void) -> Bool {
    var progressed = progressBroadcasts()
    var index = 0
    while index < sending.count {
      var flag: Int32 = 0
      MPI.check(cmpi_test(&sending[index].request, &flag), "MPI_Test")
      guard flag != 0 else {
        index += 1
        continue
      }
      if let storage = sending[index].storage { pieceHasGone(of: storage) }
      if let buffer = sending[index].buffer, spare.count < 64 {
        buffer.removeAll()
        spare.append(buffer)
      }
      sending.swapAt(index, sending.count - 1)
      sending.removeLast()
      progressed = true
    }
    while let (packet, source) = packets.next() {
      progressed = true
      var reader = WireReader(packet)
      guard reader.get(UInt32.self) == session else { continue }
      while !reader.isAtEnd {
        let message = Message(from: &reader)
        if case .block(let block) = message {
          receive(block, source: source, handle)
        } else {
          handle(.message(message, source: source))
        }
      }
    }
    if !announced.isEmpty && admit(admitting) { progressed = true }
    index = 0
    while index < receiving.count {
      while var request = receiving[index].requests.last {
        var flag: Int32 = 0
        MPI.check(cmpi_test(&request, &flag), "MPI_Test")
        receiving[index].requests[receiving[index].requests.count - 1] = request
        guard flag != 0 else { break }
        receiving[index].requests.removeLast()
      }
      guard receiving[index].requests.isEmpty else {
        index += 1
        continue
      }
      let done = receiving.remove(at: index)
      transit.receivingBytes -= done.message.byteCount
      progressed = true
      hand(done, to: handle)
    }
    return progressed
  }

  private func receive(_ block: BlockMessage, source: Int, _ handle: (Incoming) -> Void) {
    let begin = events == nil ? 0 : MonotonicClock.nanoseconds
    guard block.isInline else {
      announced.append(Announced(source: source, message: block, begin: begin))
      return
    }
    let storages = block.sizes.map { BlockStorage(byteCount: $0) }
    block.inlineBytes.withUnsafeBytes { bytes in
      var offset = 0
      for storage in storages where storage.byteCount > 0 {
        storage.bytes.copyMemory(from: bytes.baseAddress! + offset, byteCount: storage.byteCount)
        offset += storage.byteCount
      }
    }
    traffic.block(bytes: block.inlineBytes.count, pieces: 0)
    hand(
      Receiving(
        requests: [], storages: storages, source: source, message: block, begin: begin),
      to: handle)
  }

  /// Begins to receive the blocks that may come. Returns whether there were any.
  private func admit(_ mayCome: (Int) -> Bool) -> Bool {
    let waiting = announced
    announced.removeAll(keepingCapacity: true)
    var blocked = Set<Int>()
    var largest = 0
    for block in waiting {
      let bytes = block.message.byteCount
      if !blocked.contains(block.source), mayCome(bytes) {
        beginReceiving(block)
        continue
      }
      // Only the first of each source can come next.
      if blocked.insert(block.source).inserted { largest = max(largest, bytes) }
      announced.append(block)
    }
    transit.announcedBytes = largest
    return announced.count < waiting.count
  }

  private func pieceHasGone(of storage: BlockStorage) {
    let left = piecesBeingSent[ObjectIdentifier(storage), default: 0] - 1
    piecesBeingSent[ObjectIdentifier(storage)] = left > 0 ? left : nil
    if left == 0 { transit.sendingBytes -= storage.byteCount }
  }

  private func beginReceiving(_ block: Announced) {
    let message = block.message
    let storages = message.sizes.map { BlockStorage(byteCount: $0) }
    var requests: [cmpi_request] = []
    for storage in storages {
      for piece in pieces(of: storage.byteCount) {
        var request: cmpi_request = 0
        MPI.check(
          cmpi_irecv(storage.bytes + piece.offset, piece.count, Int32(block.source), Tag.bulk, comm, &request),
          "MPI_Irecv")
        requests.append(request)
      }
    }
    traffic.block(bytes: message.byteCount, pieces: requests.count)
    receiving.append(
      Receiving(
        requests: requests.reversed(), storages: storages, source: block.source, message: message,
        begin: block.begin))
    transit.receivingBytes += message.byteCount
  }

  /// Hands over a block that is whole.
  private func hand(_ done: Receiving, to handle: (Incoming) -> Void) {
    let arrival = events == nil ? 0 : MonotonicClock.nanoseconds
    handle(.block(done.message, done.storages, source: done.source))
    events?.received(
      done.message.task, bytes: done.message.byteCount, from: done.source,
      begin: done.begin, arrival: arrival, end: MonotonicClock.nanoseconds)
  }
}
