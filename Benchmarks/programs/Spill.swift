import Foundation
import Muster
import MusterRuntime

/// A working set of four times the memory limit, written and read back: by a session whose tasks make and take it, and by
/// plain calls.
///
/// Both write into a file of the same folder, past the page cache or asking the kernel to drop what it kept, ask the disk
/// whether it has it all (`fdatasync`), and read it again.
enum Spill {
  private static let valueSize = 16 << 20

  /// Words that don't compress.
  private static func word(_ number: Int, _ place: Int) -> Int { ((number << 24) &+ place) &* 0x2545_f491_4f6c_dd1d }

  // MARK: Muster's side

  /// Makes values of four times the limit, each by a task, and has each taken by another one when all are there. All of that
  /// is timed, of which the disk is to be the most.
  static func run(limit: Int, folder: String) async throws {
    setenv("MUSTER_SCRATCH", folder, 1)
    let count = 4 * limit / valueSize
    // Copied by the tasks: the words' arithmetic isn't the disk's work.
    let kinds = (0..<4).map { kind in (0..<valueSize / 8).map { word(kind, $0) } }
    let configuration = SessionConfiguration(backend: .threads, threads: 2, memoryLimit: limit)
    try await Session.run(configuration) { session in
      let start = ContinuousClock.now
      let made = try session.map(0..<count, name: "make") { number in
        NDArray<Int>(shape: [valueSize / 8]) { buffer in
          _ = buffer.initialize(fromContentsOf: kinds[number % kinds.count])
          buffer[0] = number
        }
      }
      for try await _ in session.asCompleted(made) {}
      try synchronizeScratch(in: folder)
      let written = seconds(since: start)
      let begin = ContinuousClock.now
      let taken = try session.map(made, name: "take") { value in
        try value.withElements { value in
          for place in stride(from: 512, to: value.count, by: 512) where value[place] != word(value[0] % 4, place) {
            throw MusterError(.internal, "value \(value[0]) is damaged at \(place)")
          }
          return value[0]
        }
      }
      let numbers = try await session.gather(taken)
      let read = seconds(since: begin)
      guard numbers == Array(0..<count) else { throw MusterError(.internal, "other values came back") }
      let (peak, spilled) = (ProcessMemory.highWater ?? .max, SpillTraffic.counts)
      guard peak <= limit else { throw MusterError(.internal, "the process held \(peak) bytes, and may hold \(limit)") }
      // What had to go to disk, once: what goes more often is no merit.
      let bytes = count * valueSize - limit
      guard spilled.written >= bytes, spilled.read >= bytes else {
        throw MusterError(.internal, "little went to disk: \(spilled)")
      }
      report(bytes: bytes, written: written, read: read)
    }
  }

  /// Until the disk has what the scratch files hold, which have no name any more.
  private static func synchronizeScratch(in folder: String) throws {
    var count = 0
    for file in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      guard let number = Int32(file),
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(file)"),
        target.hasPrefix(folder + "/")
      else { continue }
      guard fdatasync(number) == 0 else { throw failure("synchronize", target) }
      count += 1
    }
    guard count > 0 else { throw MusterError(.internal, "there is no scratch file in \(folder)") }
  }

  // MARK: The disk's side

  /// The same number of bytes as Muster's side writes, by plain calls of 8 MB.
  ///
  /// - Parameter direct: Past the page cache, as `dd oflag=direct`, or through it.
  static func runPlain(bytes: Int, folder: String, direct: Bool) throws {
    let callSize = 8 << 20
    let count = bytes / callSize
    let path = "\(folder)/muster-plain-\(getpid())"
    defer { unlink(path) }
    // O_DIRECT, which Glibc shows to _GNU_SOURCE only.
    #if arch(arm64)
      let directFlag: Int32 = 0o200000
    #else
      let directFlag: Int32 = 0o40000
    #endif
    let file = open(path, O_CREAT | O_RDWR | (direct ? directFlag : 0), 0o600)
    guard file >= 0 else { throw failure("make", path) }
    defer { close(file) }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: callSize, alignment: 4096)
    defer { memory.deallocate() }
    for place in 0..<callSize / 8 { memory.storeBytes(of: word(1, place), toByteOffset: 8 * place, as: Int.self) }
    let start = ContinuousClock.now
    for _ in 0..<count { guard write(file, memory, callSize) == callSize else { throw failure("write", path) } }
    guard fdatasync(file) == 0 else { throw failure("synchronize", path) }
    let written = seconds(since: start)
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
    lseek(file, 0, SEEK_SET)
    let begin = ContinuousClock.now
    for _ in 0..<count { guard read(file, memory, callSize) == callSize else { throw failure("read", path) } }
    report(bytes: count * callSize, written: written, read: seconds(since: begin))
  }

  private static func failure(_ action: String, _ path: String) -> MusterError {
    MusterError(.inputOutput, "can't \(action) \"\(path)\": \(String(cString: strerror(errno)))")
  }

  private static func report(bytes: Int, written: Double, read: Double) {
    let mega = Double(bytes) / 1e6
    print(
      "{\"seconds\": \(written + read), \"write\": \(mega / written), \"read\": \(mega / read),"
        + " \"both\": \(2 * mega / (written + read)), \"mb\": \(mega)}")
  }
}
