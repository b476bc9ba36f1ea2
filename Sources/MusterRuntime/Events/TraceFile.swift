internal import Glibc

/// A trace in Chrome's format, written piece by piece under another name, and given its own when it is whole.
///
/// A failure is kept, and what comes after it dropped: `close` throws it.
struct TraceFile: Sendable {
  /// What is said of a thread at the end.
  struct Lane: Sendable {
    var rank: Int
    var info: TraceLaneInfo
  }

  /// What it is called when it is whole.
  var path: String
  private let partial: String
  private let descriptor: Int32
  /// The time that becomes 0, in nanoseconds of rank 0's monotonic clock.
  let origin: Int
  var writer = JSONWriter()
  private var failure: MusterError?
  private var isFirst = true
  private(set) var lanes: [Lane] = []
  private var uncertainties: [(rank: Int, nanoseconds: Int)] = []
  private(set) var eventCount = 0
  /// The number of the next thing with a track of its own.
  var nextTrack = 1

  private static let flushSize = 256 << 10

  /// - Parameters:
  ///   - origin: the time that becomes 0.
  ///   - processes: what the processes are called, by rank.
  /// - Throws: `MusterError` where the file can't be made.
  init(path: String, origin: Int, processes: [String]) throws(MusterError) {
    self.path = path
    self.origin = origin
    var status = stat()
    // Found at the end else, when there is much to lose.
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else {
      throw Self.error(path, number: EISDIR)
    }
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    partial = path + "." + String(repeating: "0", count: 16 - digits.count) + digits + ".partial"
    descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.error(path, number: errno) }
    writer.raw("{\"traceEvents\":[")
    for (rank, name) in processes.enumerated() { nameProcess(rank: rank, name: name) }
  }

  /// There is to be no trace.
  func abandon() {
    _ = Glibc.close(descriptor)
    unlink(partial)
  }

  /// What is known of a thread, before its events.
  mutating func append(_ info: TraceLaneInfo, rank: Int) {
    lanes.append(Lane(rank: rank, info: info))
    nameThread(rank: rank, info)
    flush(atLeast: Self.flushSize)
  }

  /// Events, with times by rank 0's clock.
  mutating func append(_ events: [TraceEvent], _ layers: TraceLayers) {
    eventCount += events.count
    for event in events {
      append(event, layers)
      flush(atLeast: Self.flushSize)
    }
  }

  /// All of a rank's events are there.
  mutating func finish(rank: Int, uncertainty: Int?) {
    if let uncertainty { uncertainties.append((rank, uncertainty)) }
  }

  /// Begins the next element of the list of events.
  mutating func separate() {
    writer.raw(isFirst ? "\n" : ",\n")
    isFirst = false
  }

  /// Ends the trace and gives the file its name.
  ///
  /// - Throws: `MusterError` where it couldn't be written; then it isn't there, and one that was there before still is.
  mutating func close(_ layers: TraceLayers) throws(MusterError) {
    appendEnd(layers)
    flush(atLeast: 0)
    if Glibc.close(descriptor) != 0, failure == nil { failure = Self.error(path, number: errno) }
    if failure == nil, rename(partial, path) != 0 { failure = Self.error(path, number: errno) }
    guard let failure else { return }
    unlink(partial)
    throw failure
  }

  private mutating func appendEnd(_ layers: TraceLayers) {
    writer.raw("\n],\n\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"format\":\"muster\",\"version\":1,\"lost\":")
    writer.number(lanes.reduce(0) { $0 + $1.info.lost })
    writer.raw(",\n\"threads\":[")
    for (number, lane) in lanes.enumerated() {
      writer.raw(number == 0 ? "\n" : ",\n")
      writer.raw("{\"rank\":")
      writer.number(lane.rank)
      writer.raw(",\"thread\":")
      writer.number(Int(lane.info.number))
      writer.raw(",\"name\":")
      writer.string(lane.info.name)
      writer.raw(",\"recorded\":")
      writer.number(lane.info.recorded)
      writer.raw(",\"lost\":")
      writer.number(lane.info.lost)
      writer.raw("}")
    }
    writer.raw("],\n\"clocks\":[")
    for (number, clock) in uncertainties.enumerated() {
      writer.raw(number == 0 ? "\n{\"rank\":" : ",\n{\"rank\":")
      writer.number(clock.rank)
      writer.raw(",\"uncertainty\":")
      writer.microseconds(clock.nanoseconds)
      writer.raw("}")
    }
    writer.raw("],\n\"layers\":[")
    for (number, entry) in layers.entries.enumerated() {
      writer.raw(number == 0 ? "\n{\"layer\":" : ",\n{\"layer\":")
      writer.number(entry.layer)
      writer.raw(",\"name\":")
      writer.string(entry.name)
      if let site = entry.callSite {
        writer.raw(",\"call\":")
        writer.string(site.description)
      }
      writer.raw("}")
      flush(atLeast: Self.flushSize)
    }
    writer.raw("]}}\n")
  }

  private mutating func flush(atLeast size: Int) {
    guard writer.bytes.count >= size else { return }
    defer { writer.removeAll() }
    guard failure == nil else { return }
    let number = writer.bytes.withUnsafeBytes { FileWriting.write($0, to: descriptor) }
    if number != 0 { failure = Self.error(path, number: number) }
  }

  private static func error(_ path: String, number: Int32) -> MusterError {
    MusterError(
      FileWriting.code(of: number),
      "the trace can't be written to \"\(path)\": \(String(cString: strerror(number)))",
      fix: "Set MUSTER_TRACE or SessionConfiguration.trace to a file in a folder that is there, may be written to, and"
        + " has room")
  }
}
