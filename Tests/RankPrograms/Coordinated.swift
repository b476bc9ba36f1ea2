import Foundation
import Glibc
import Muster

/// Tasks on several ranks that contend for locks, leases and values. Each part prints a line.
enum Coordinated {
  static func run(folder: String) async throws {
    try await Session.run { session in
      try session.onRoot("make the folder") {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
      try await countInFile(session, path: folder + "/count")
      try await takeLeases(session, folder: folder + "/leases")
      try await produceAndConsume(session)
      try await tellEachOther(session)
      try await failWhileHolding(session)
      try await failWhileOthersWait(session)
      try await giveUp(session)
      try await ring(session)
      try await waitForNobody(session)
      try await waitInNumbers(session)
      try await waitForFutures(session)
      try await speakForTheProgram(session)
      try await passAnArray(session)
      try await documented(session, folder: folder)
    }
  }

  /// The program itself waits, each time in vain, with no other call between that brings the ranks together.
  static func waitInProgram(times: Int, milliseconds: Int) async throws {
    try await Session.run { session in
      let queue = session.queue("empty", of: Int.self)
      var ends: [String] = []
      for _ in 0..<times {
        do {
          ends.append("\(try await queue.get(timeout: .milliseconds(milliseconds)))")
        } catch let error as MusterError { ends.append(error.code.name) }
      }
      print("waits ended by \(Set(ends))")
    }
  }

  /// Runs a task for each index, and gives what they yield.
  private static func map<T: Sendable>(
    _ session: Session, _ count: Int, name: String = "work", _ body: @escaping @Sendable (Int) throws -> T
  ) async throws -> [T] {
    let tasks = (0..<count).map { index in session.delayed(name: name) { try body(index) } }
    return try await session.compute(tasks)
  }

  /// Reading, adding and writing take long enough to go wrong where two do it at the same time.
  private static func countInFile(_ session: Session, path: String) async throws {
    let lock = session.lock("count")
    try session.onRoot("begin to count") { try "0".write(toFile: path, atomically: false, encoding: .utf8) }
    let ranks = Set(
      try await map(session, 200) { _ in
        try lock.withLock(timeout: .seconds(60)) {
          let count = Int(try String(contentsOfFile: path, encoding: .utf8))!
          usleep(300)
          try "\(count + 1)".write(toFile: path, atomically: false, encoding: .utf8)
        }
        return session.rank
      })
    print("counted to \(try String(contentsOfFile: path, encoding: .utf8)) on several ranks: \(ranks.count > 1)")
  }

  /// As many files are there as tasks hold a lease.
  private static func takeLeases(_ session: Session, folder: String) async throws {
    let semaphore = session.semaphore("leases", limit: 3)
    try session.onRoot("make the folder of leases") {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    let counts = try await map(session, 60) { index in
      try semaphore.withLease(timeout: .seconds(60)) {
        let path = "\(folder)/\(index)"
        try "".write(toFile: path, atomically: false, encoding: .utf8)
        usleep(3000)
        let count = try FileManager.default.contentsOfDirectory(atPath: folder).count
        try FileManager.default.removeItem(atPath: path)
        return count
      }
    }
    print("held at a time: at least two \(counts.max()! >= 2), at most three \(counts.max()! <= 3)")
  }

  private static func produceAndConsume(_ session: Session) async throws {
    let queue = session.queue("numbers", of: Int.self, capacity: 5)
    // The consumers come first: they wait, and lend their places to the producers.
    let got = try await map(session, 4, name: "part") { index -> [Int] in
      if index < 2 { return try (0..<100).map { _ in try queue.get(timeout: .seconds(60)) } }
      for number in 0..<100 { try queue.put((index - 2) * 1000 + number, timeout: .seconds(60)) }
      return []
    }
    let all = got.flatMap { $0 }.sorted()
    let inOrder = got.allSatisfy { part in
      [part.filter { $0 < 1000 }, part.filter { $0 >= 1000 }].allSatisfy { $0 == $0.sorted() }
    }
    print("consumed each once: \(all == Array(0..<100) + Array(1000..<1100)), in order: \(inOrder)")
  }

  /// One task sets what the others wait for.
  private static func tellEachOther(_ session: Session) async throws {
    let go = session.event("go")
    let height = session.variable("height", of: [String: Double].self)
    let values = try await map(session, 3) { index in
      if index == 2 {
        try height.set(["sea": 0.5, "hill": 300])
        try go.set()
      } else {
        try go.wait(timeout: .seconds(60))
      }
      return try height.get(timeout: .seconds(60))["hill"]!
    }
    let isSet = try await go.isSet()
    let sea = try await height.get()["sea"]!
    print("told: \(values), set: \(isSet), the program reads \(sea)")
  }

  private static func failWhileHolding(_ session: Session) async throws {
    struct Mishap: Error {}
    let lock = session.lock("fragile")
    do {
      _ = try await map(session, 1) { _ in
        try lock.acquire()
        throw Mishap()
      }
    } catch let error as MusterError {
      print("failed with \(error.code)")
    }
    // A task that returns gives back what it holds, too.
    for _ in 0..<2 { _ = try await map(session, 1) { _ in try lock.acquire(timeout: .seconds(30)) } }
    print("released by its end")
  }

  /// Nobody sets the event: the error of one task ends the waits of the others.
  private static func failWhileOthersWait(_ session: Session) async throws {
    struct Mishap: Error {}
    let never = session.event("never")
    do {
      _ = try await map(session, 3) { index in
        if index == 2 {
          usleep(100_000)
          throw Mishap()
        }
        try never.wait()
      }
    } catch let error as MusterError {
      print("others woken by \(error.code): \(error.message.contains("Mishap"))")
    }
  }

  private static func giveUp(_ session: Session) async throws {
    let lock = session.lock("busy")
    let (held, done) = (session.event("held"), session.event("done"))
    let errors = try await map(session, 2, name: "patient") { index -> [String] in
      if index == 0 {
        try lock.acquire()
        try held.set()
        try done.wait(timeout: .seconds(60))
        return []
      }
      try held.wait(timeout: .seconds(60))
      defer { try? done.set() }
      do {
        try lock.acquire(timeout: .milliseconds(50))
        return ["acquired"]
      } catch let error as MusterError {
        return [error.code.name, error.message]
      }
    }
    let (code, message) = (errors[1][0], errors[1][1])
    print(
      "gave up: \(code), names the lock and who holds it:"
        + " \(message.contains("lock \"busy\" wasn't free within 0.05 s: held by patient[0]"))")
  }

  private static func ring(_ session: Session) async throws {
    let locks = [session.lock("left"), session.lock("right")]
    let held = [session.event("left is held"), session.event("right is held")]
    do {
      _ = try await map(session, 2, name: "philosopher") { index in
        try locks[index].acquire()
        try held[index].set()
        try held[1 - index].wait(timeout: .seconds(60))
        try locks[1 - index].acquire()
      }
    } catch let error as MusterError {
      let named = ["philosopher[0]", "philosopher[1]", "lock \"left\"", "lock \"right\""].allSatisfy {
        error.message.contains($0)
      }
      print("ring: \(error.code), names all: \(named)")
    }
  }

  /// Nobody puts anything into the queue.
  private static func waitForNobody(_ session: Session) async throws {
    let queue = session.queue("nobody's", of: Int.self)
    do {
      _ = try await map(session, 3, name: "hopeful") { index in
        if index < 2 { _ = try queue.get() }
      }
    } catch let error as MusterError {
      print("nobody left: \(error.code) \(error.message.contains("waits for queue \"nobody's\""))")
    }
  }

  /// More tasks wait than workers are handed at first: the last one tells them.
  private static func waitInNumbers(_ session: Session) async throws {
    let go = session.event("go on")
    let waited = try await map(session, 50) { index in
      if index == 49 { try go.set() } else { try go.wait(timeout: .seconds(60)) }
      return index
    }
    print("waited in numbers: \(waited == Array(0..<50))")
  }

  /// Tasks of futures coordinate while no collective runs, with each other and with the program.
  private static func waitForFutures(_ session: Session) async throws {
    let (ready, done) = (session.event("a future is ready"), session.event("the program is done"))
    let numbers = session.queue("numbers of futures", of: Int.self)
    let futures = try session.map([1, 2]) { number -> Int in
      if number == 1 { return try numbers.get() }
      usleep(50_000)
      try ready.set()
      // Nothing else runs for longer than a deadlock takes to be found, and it's none.
      try done.wait()
      try numbers.put(41)
      return 1
    }
    try await ready.wait()
    usleep(300_000)
    // Nor is it one where rank 0 waits for a rank that is late, and not for tasks.
    if session.rank == 1 { usleep(300_000) }
    try session.onRoot("nothing") {}
    if session.rank == 1 { usleep(300_000) }
    _ = try await session.compute(session.delayed { 0 })
    try await done.set()
    let sum = try await session.gather(futures).reduce(0, +)
    let stuck = try session.submit { try numbers.get() }
    var codes: [String] = []
    do { _ = try await session.gather([stuck]) } catch let error as MusterError { codes.append(error.code.name) }
    do { _ = try await numbers.get() } catch let error as MusterError { codes.append(error.code.name) }
    print("futures: \(sum) \(codes)")
    // All wait, and it's no deadlock: its time ends the first one's wait.
    let woken = session.event("woken by a limit")
    let limited = try session.submit(options: TaskOptions(timeout: .milliseconds(300))) {
      do { _ = try numbers.get() } catch {
        try woken.set()
        throw error
      }
    }
    let other = try session.submit { () -> Int in
      try woken.wait()
      return 3
    }
    let value = try await session.gather([other])[0]
    do { _ = try await session.gather([limited]) } catch let error as MusterError {
      print("a time limit: \(value) \(error.code)")
    }
  }

  /// What the program does happens once, and every rank gets the same.
  private static func speakForTheProgram(_ session: Session) async throws {
    let queue = session.queue("from the program", of: String.self)
    for text in ["a", "b", "c"] { try await queue.put(text) }
    let first = try await queue.get()
    let rest = try await queue.count()
    // Where a rank had another value its next call would differ.
    session.record("check", detail: "\(first) \(rest)")
    let second = try await map(session, 1) { _ in try queue.get(timeout: .zero) }
    let last = try await queue.get()
    var code = ""
    do { _ = try await queue.get() } catch let error as MusterError { code = error.code.name }
    do { _ = try await queue.get(timeout: .milliseconds(30)) } catch let error as MusterError {
      code += " \(error.code)"
    }
    print("the program: \(first) \(rest) \(second) \(last) \(code)")
  }

  /// The program of docs/coordination.md.
  private static func documented(_ session: Session, folder: String) async throws {
    let parameters = [3.0, 1, 2, 5, 4]
    let simulate = { @Sendable (parameter: Double) throws in parameter * 2 }
    let append = { @Sendable (line: String, file: String) throws in
      let path = folder + "/" + file
      let before = FileManager.default.fileExists(atPath: path) ? try String(contentsOfFile: path, encoding: .utf8) : ""
      try (before + line + "\n").write(toFile: path, atomically: false, encoding: .utf8)
    }

    let log = session.lock("log")
    let licences = session.semaphore("licences", limit: 4)
    let best = session.variable("best", of: Double.self)
    try await best.set(.infinity)

    let runs = parameters.map { parameter in
      session.delayed {
        let cost = try licences.withLease { try simulate(parameter) }
        try log.withLock(timeout: .seconds(60)) {
          try append("\(parameter) \(cost)", "runs.txt")
          if try cost < best.get() { try best.set(cost) }
        }
      }
    }
    _ = try await session.compute(runs)
    let lines = try String(contentsOfFile: folder + "/runs.txt", encoding: .utf8).split(separator: "\n").sorted()
    print("documented: \(try await best.get()), \(lines)")
  }

  /// More than goes with a short message.
  private static func passAnArray(_ session: Session) async throws {
    let queue = session.queue("arrays", of: NDArray<Double>.self)
    let sums = try await map(session, 2) { index in
      if index == 0 { return try queue.get(timeout: .seconds(60)).elements.reduce(0, +) }
      try queue.put(NDArray<Double>((0..<500_000).map(Double.init)))
      return 0
    }
    print("an array: \(sums[0])")
  }
}
