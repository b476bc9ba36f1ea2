import Foundation
import MusterRuntime
import Synchronization
import Testing

struct DurationTests {
  @Test(arguments: [Duration.zero, .seconds(-1), .seconds(1e10), .seconds(Int64.max)])
  func aDeadlineHasBounds(deadline: Duration) throws {
    let configuration = SessionConfiguration(progressDeadline: deadline)
    let error = #expect(throws: MusterError.self) { try configuration.resolved(with: [:]) }
    #expect(error?.code == .invalidArgument && error?.description.contains("progressDeadline") == true)
    #expect(error?.description.contains("leave it out to wait for ever") == true)
  }

  @Test func aHeartbeatHasBounds() throws {
    for interval in [Duration.zero, .seconds(-1), .seconds(1e10)] {
      let configuration = SessionConfiguration(heartbeatInterval: interval, heartbeatPatience: .zero)
      let error = #expect(throws: MusterError.self) { try configuration.resolved(with: [:]) }
      #expect(error?.description.contains("heartbeatInterval is ") == true)
    }
    for patience in [Duration.seconds(-1), .seconds(1e10), .seconds(Int64.max)] {
      let configuration = SessionConfiguration(heartbeatPatience: patience)
      let error = #expect(throws: MusterError.self) { try configuration.resolved(with: [:]) }
      #expect(error?.description.contains("heartbeatPatience is ") == true)
    }
    let longest = SessionConfiguration(
      progressDeadline: .seconds(999_999_999), heartbeatInterval: .milliseconds(1), heartbeatPatience: .zero)
    #expect(try longest.resolved(with: [:]).progressDeadline == .seconds(999_999_999))
  }

  /// Too little for a duration to hold is no time at all.
  @Test(arguments: ["0", "-1", "1e9", "1e-30", "nan", "inf", "soon"])
  func aDeadlineInTheEnvironmentHasTheSameBounds(text: String) throws {
    let error = #expect(throws: MusterError.self) {
      try SessionConfiguration().resolved(with: ["MUSTER_PROGRESS_DEADLINE": text])
    }
    #expect(error?.code == .invalidArgument)
    if text != "1e-30" { #expect(error?.description.contains("MUSTER_PROGRESS_DEADLINE is '\(text)'") == true) }
  }

  @Test func isToldInSeconds() {
    #expect(Duration.seconds(60).text == "60 s")
    #expect(Duration.milliseconds(500).text == "0.5 s")
    #expect(Duration.milliseconds(1250).text == "1.25 s")
    #expect(Duration.microseconds(500).text == "0.0005 s")
  }
}

struct WritingTests {
  /// A pipe that is full and doesn't wait, and whose reader comes late.
  @Test func aFullPipeGetsEverything() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    _ = fcntl(writing, F_SETFL, O_NONBLOCK)
    let filling = [UInt8](repeating: 1, count: 4096)
    var filled = 0
    while true {
      let count = write(writing, filling, filling.count)
      if count < 0 { break }
      filled += count
    }
    #expect(errno == EAGAIN && filled > 0)

    let text = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let writer = Thread {
      text.withUnsafeBytes { StandardStreams.writeAll($0, to: writing) }
      close(writing)
    }
    writer.start()
    usleep(100_000)
    var seen: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 10_000)
    while true {
      let count = read(reading, &buffer, buffer.count)
      guard count > 0 else { break }
      seen += buffer[..<count]
    }
    close(reading)
    #expect(seen.count == filled + text.count && Array(seen.dropFirst(filled)) == text)
  }

  @Test func aPipeThatNobodyReadsIsGivenUp() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    let start = Date()
    [UInt8](repeating: 1, count: 1 << 20).withUnsafeBytes {
      StandardStreams.writeAll($0, to: ends[1], patience: 200)
    }
    #expect((0.2..<10).contains(Date().timeIntervalSince(start)))
    for end in ends { close(end) }
  }
}

@Suite(.serialized)
struct SignalTests {
  /// Sends SIGTERM to this thread, which takes it before the call returns; those of Swift's pool keep signals out.
  private static func raiseHere() {
    var set = sigset_t()
    var former = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &set, &former)
    raise(SIGTERM)
    pthread_sigmask(SIG_SETMASK, &former, nil)
  }

  private static let passedOn = Atomic<Int>(0)

  /// A handler of the program's own is in force before and after.
  @Test func aSignalThatWasPassedOnDoesNotEndTheNextSession() {
    let former = signal(SIGTERM) { _ in SignalTests.passedOn.add(1, ordering: .relaxed) }
    defer { signal(SIGTERM, former) }
    Signals.enterSession()
    Self.raiseHere()
    #expect(Signals.pendingTermination != nil)
    #expect(Self.passedOn.load(ordering: .relaxed) == 0)
    Signals.leaveSession(isRoot: true)
    #expect(Self.passedOn.load(ordering: .relaxed) == 1)
    Signals.enterSession()
    #expect(Signals.pendingTermination == nil)
    Signals.leaveSession(isRoot: true)
  }

  private static func inForce() -> UInt {
    var action = sigaction()
    sigaction(SIGTERM, nil, &action)
    return action.__sigaction_handler.sa_handler.map {
      UInt(bitPattern: unsafeBitCast($0, to: UnsafeRawPointer.self))
    } ?? 0
  }

  @Test func onlyTheLastWordIsDropped() {
    let former = signal(SIGTERM, SIG_DFL)
    defer { signal(SIGTERM, former) }
    for _ in 0..<2 {
      Signals.enterSession()
      Signals.leaveSession(isRoot: true)
      #expect(Self.inForce() != 0)
    }
    Signals.dropLastWord()
    #expect(Self.inForce() == 0)

    Signals.enterSession()
    Signals.leaveSession(isRoot: true)
    signal(SIGTERM) { _ in }
    let own = Self.inForce()
    Signals.dropLastWord()
    #expect(Self.inForce() == own)
  }
}
