import Glibc
import Muster
import Synchronization

/// Programs whose progress outlives them in a journal.
enum Durable {
  /// Sends a process a signal at a step, which `MUSTER_TEST_STOP` names: rank 0 SIGKILL, or what `MUSTER_TEST_WAY` says.
  static func stop(_ step: String, _ session: Session, anywhere: Bool = false) {
    guard variable("MUSTER_TEST_STOP") == step else { return }
    let way = variable("MUSTER_TEST_WAY") ?? ""
    guard anywhere || session.rank == (way.hasSuffix(" of a worker") ? 1 : 0) else { return }
    // What was called before is in the journal; what is kept beside it is told of a little later.
    usleep(way == "late" ? 500_000 : way == "at once" ? 0 : 50_000)
    kill(getpid(), way.hasPrefix("USR1") ? SIGUSR1 : way.hasPrefix("TERM") ? SIGTERM : SIGKILL)
  }

  static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// Notes that something was done, in a file of its own. A line of so few bytes is written in one piece.
  static func note(_ line: String) {
    guard let path = variable("MUSTER_TEST_NOTES") else { return }
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o666)
    var text = line + "\n"
    _ = text.withUTF8 { write(file, $0.baseAddress, $0.count) }
    close(file)
  }

  private struct Unlucky: Error, Codable {
    var number: Int
  }

  /// Something of everything, in steps; each task takes so many milliseconds.
  static func run(folder: String, milliseconds: Int) async throws {
    try await Session.run { session in
      let work: @Sendable (String) -> Void = { name in
        usleep(UInt32(milliseconds) * 1000)
        note(name)
      }
      print("begin")
      var total = 0.0
      for step in 0..<6 {
        let part = session.delayed(name: "part") { () -> Double in
          work("part \(step)")
          return Double(step) * 1.25
        }
        total += try await part.compute()
        print("step \(step): \(total)")
        stop("step \(step)", session)
      }

      let squares = try session.map(Array(0..<8), name: "square") { (number: Int) -> Int in
        work("square \(number)")
        return number * number
      }
      let roots = try session.map(squares, name: "root") { (square: Int) -> Double in
        work("root of \(square)")
        return Double(square).squareRoot()
      }
      var sum = 0
      var count = 0
      for try await future in session.asCompleted(squares) {
        sum += try await future.value()
        count += 1
        stop("square \(count)", session)
      }
      print("\(count) squares, \(sum)")
      print("roots \(try await session.gather(roots))")
      let statuses = try await session.statuses(of: squares)
      print("all finished: \(statuses.allSatisfy { $0 == .finished })")
      stop("roots", session)

      func made(_ name: String, factor: Double) -> ChunkedArray<Double> {
        session.arange(0.0, 24_000.0, chunks: [2_000]).mapBlocks { block in
          work("\(name) \(Int(block.elements[0]))")
          if block.elements[0] == 14_000 { stop(name, session, anywhere: true) }
          return block * factor
        }
      }
      let field = made("chunk", factor: 2)
      try await session.write(
        to: folder + "/field.h5",
        [.dataset("field", field), .dataset("total", NDArray<Double>([total, Double(sum)], shape: [2]))])
      print("field written")
      stop("field", session)

      let squeezed = made("squeezed", factor: 3)
      try await session.write(
        to: folder + "/squeezed.h5",
        [
          .dataset("squeezed", squeezed, compression: .deflate), .dataset("sum", NDArray<Double>([total], shape: [1])),
        ])
      print("squeezed written")

      let kept = try session.open(folder + "/field.h5", dataset: "field", as: Double.self, chunks: [6_000])
        .mapBlocks { block in
          work("kept \(Int(block.elements[0]))")
          return block + 1
        }.persist()
      let (mean, largest) = try await session.compute(kept.mean(), kept.max())
      print("mean \(mean.item()), largest \(largest.item())")
      stop("kept", session)

      do {
        _ = try await session.delayed(name: "unlucky") { () -> Int in throw Unlucky(number: 13) }.compute()
      } catch let error as MusterError {
        print("caught \(error.code), \(error.cause(as: Unlucky.self)?.number ?? 0)")
      }
      stop("caught", session)
      try await (kept * 0.5).write(to: folder + "/kept.h5", dataset: "kept")
      let slice = try await kept[..<3].compute()
      print("end \(slice.elements)")
      stop("end", session)
    }
  }

  /// A job of so many rounds, for tests that kill it at any instant: each task notes when it has ended, and each rank who
  /// it is.
  static func job(folder: String, rounds: Int, milliseconds: Int) async throws {
    try await Session.run { session in
      note("pid \(session.rank) \(getpid())")
      let work: @Sendable (String) -> Void = { name in
        usleep(UInt32(milliseconds) * 1000)
        note("done \(name)")
      }
      var total = 0.0
      for round in 0..<rounds {
        for step in 0..<10 {
          let parts = (0..<2).map { part in
            session.delayed(name: "part") { () -> Double in
              work("part \(round) \(step) \(part)")
              return Double(round * 20 + step * 2 + part).squareRoot()
            }
          }
          total += try await session.compute(parts).reduce(0, +)
          print("round \(round), step \(step): \(total)")
        }
        let field = session.arange(0.0, 160_000.0, chunks: [10_000]).mapBlocks { block in
          work("chunk \(round) \(Int(block.elements[0]))")
          return block + Double(round)
        }
        let kept = try (field * 2).persist(checkpointed: true)
        try await kept.write(to: "\(folder)/field-\(round).h5", dataset: "field")
        print("round \(round): \(try await kept.sum().compute().item())")
        let written = session.arange(0.0, 80_000.0, chunks: [10_000]).mapBlocks { block in
          work("written \(round) \(Int(block.elements[0]))")
          return block * Double(round + 1)
        }
        let compressed = session.arange(0.0, 800_000.0, chunks: [100_000]).mapBlocks { block in
          work("compressed \(round) \(Int(block.elements[0]))")
          return block * Double(round + 1)
        }
        try await session.write(
          to: "\(folder)/written-\(round).h5",
          [.dataset("written", written), .dataset("compressed", compressed, compression: .deflate)])
        let squares = try session.map(Array(0..<12), name: "square") { (number: Int) -> Int in
          work("square \(round) \(number)")
          return number * number
        }
        var sum = 0
        for try await future in session.asCompleted(squares) { sum += try await future.value() }
        print("round \(round): \(sum)")
      }
      print("end \(total)")
    }
  }

  /// A loop that keeps what each of its steps makes for the next one only.
  ///
  /// - Parameter way: `kept` in memory, `checkpointed`, `sometimes` so, at every tenth step, or `alone`: each step is made
  ///   of nothing.
  static func chain(steps: Int, way: String, milliseconds: Int) async throws {
    try await Session.run { session in
      let first = session.arange(0.0, 4_000.0, chunks: [1_000])
      var state = try first.persist()
      for step in 0..<steps {
        if way == "alone" { state = first }
        state = try state.mapBlocks { block in
          usleep(UInt32(milliseconds) * 1000)
          note("step \(step)")
          return block + 1
        }.persist(checkpointed: way == "checkpointed" || (way == "sometimes" && step % 10 == 0))
        let sum = try await state.sum().compute()
        print("\(step): \(sum.item())")
        stop("step \(step)", session)
      }
    }
  }

  /// Calls that depend on the environment, as those of a program that was changed.
  static func changed() async throws {
    let way = variable("MUSTER_TEST_WAY") ?? ""
    try await Session.run { session in
      let zeros = session.zeros([100], as: Double.self)
      print(try await zeros.sum().compute().item())
      let shape = way == "shape" ? [30] : [20]
      let next = session.ones(shape, as: Double.self)
      let value = way == "operation" ? next.mean() : next.sum()
      print(try await value.compute().item())
      if way == "more" { print(try await next.max().compute().item()) }
      if way != "less" { print(try await next.min().compute().item()) }
      stop("last", session)
    }
  }

  /// Keeps a value, of one kind or another as the environment says, and may be stopped when it's kept or when a collective
  /// has taken it.
  static func keptOtherwise() async throws {
    let way = variable("MUSTER_TEST_WAY") ?? ""
    try await Session.run { session in
      let first = session.arange(0.0, 4_000.0, chunks: [1_000])
      print(try await first.sum().compute().item())
      let other = way == "another" ? try (first + 1).persist(checkpointed: true) : first
      let kept = try (first * (way == "factor" ? 3 : 2)).mapBlocks { block in
        note("kept \(Int(block.elements[1]))")
        return block
      }.persist(checkpointed: way != "unkept")
      if variable("MUSTER_TEST_STOP") == "kept" { usleep(1_500_000) }
      stop("kept", session)
      print(try await kept.sum().compute().item())
      stop("taken", session)
      print(try await other.sum().compute().item())
    }
  }

  /// A program that fails until a file is there.
  static func failing(path: String) async throws {
    try await Session.run { session in
      let first = session.delayed { () -> Int in
        note("first")
        return 1
      }
      print("first \(try await first.compute())")
      let second = session.delayed(name: "look") { () -> Int in
        note("look")
        guard access(path, F_OK) == 0 else { throw MusterError(.fileNotFound, "there is no \(path)") }
        return 2
      }
      print("second \(try await second.compute())")
    }
  }

  /// A write of which one chunk fails until a file is there.
  static func writeFile(_ file: String, unless path: String, compressed: Bool) async throws {
    try await Session.run { session in
      let field = session.arange(0.0, 24_000.0, chunks: [2_000]).mapBlocks { block in
        usleep(100_000)
        if block.elements[0] == 14_000, access(path, F_OK) != 0 {
          throw MusterError(.fileNotFound, "there is no \(path)")
        }
        note("chunk \(Int(block.elements[0]))")
        return block
      }
      try await field.write(to: file, dataset: "field", compression: compressed ? .deflate : nil)
      let again = try session.open(file, dataset: "field", as: Double.self)
      print("written \(try await again.max().compute().item())")
    }
  }

  /// A write whose error is caught.
  static func writeRefused(_ file: String) async throws {
    try await Session.run { session in
      let field = session.arange(0.0, 24_000.0, chunks: [2_000]).mapBlocks { block in
        usleep(50_000)
        if block.elements[0] == 14_000 { stop("chunk", session, anywhere: true) }
        return block
      }
      do {
        try await field.write(to: file, dataset: "field")
        print("written")
      } catch let error as MusterError { print("caught \(error.code)") }
      let two = try await session.delayed { 2 }.compute()
      stop("after", session)
      print("after \(two)")
    }
  }

  /// A file of so many chunks of 4 MB, `plain`, or `kept` for compressing, which doesn't make them smaller.
  static func writeLargeFile(_ file: String, chunks: Int, way: String) async throws {
    try await Session.run { session in
      if session.isRoot { note("root \(getpid())") }
      let field = session.arange(0.0, Double(chunks) * 500_000, chunks: [500_000]).mapBlocks { block in
        note("chunk \(Int(block.elements[0]))")
        return block
      }
      try await field.write(to: file, dataset: "field", compression: way == "kept" ? .deflate(level: 0) : nil)
      print("written \(try await session.open(file, dataset: "field", as: Double.self).max().compute().item())")
    }
  }

  /// Many futures, of which few are held at a time.
  static func futures(count: Int) async throws {
    try await Session.run { session in
      var held: [Future<Int>] = []
      var sum = 0
      for number in 0..<count {
        held.append(try session.submit { number })
        if held.count > 10 { sum += try await held.removeFirst().value() }
      }
      sum += try await session.gather(held).reduce(0, +)
      print("sum \(sum)")
      stop("sum", session)
      let last = try session.submit(held[0]) { $0 + 1 }
      print("last \(try await last.value())")
    }
    print("peak \(MemoryUV.peak() >> 20) MB")
  }

  /// Many collectives with results of so many elements.
  static func many(count: Int, elements: Int) async throws {
    try await Session.run { session in
      for number in 0..<count {
        let block = try await session.delayed { [Double](repeating: Double(number), count: elements) }.compute()
        print(block[0])
      }
    }
  }

  /// Prints so many lines of a hundred letters, and some more after each of some steps.
  static func chat(lines: Int) async throws {
    try await Session.run { session in
      func fill(_ lines: Range<Int>) {
        for line in lines { print("\(line) " + String(repeating: "-", count: 95)) }
      }
      fill(0..<lines)
      // A part of it that isn't a page is passed on by itself.
      if lines < 200 {
        _ = try await session.delayed { 0 }.compute()
        usleep(300_000)
        fill(0..<650)
      }
      for step in 0..<3 {
        let value = try await session.delayed { () -> Int in
          usleep(200_000)
          return step
        }.compute()
        print("step \(value)")
        fill(0..<100)
        stop("step \(step)", session)
      }
      print("step 3")
    }
  }

  /// Pieces of which the disk says once, while nobody asks, that one hasn't come there.
  static func unwritten() async throws {
    struct DiskSaysNo: Error {}
    try await Session.run { session in
      let ledger = session.pieceLedger(total: 3)!
      let calls = Atomic(0)
      let sync = PieceSync(ledger) {
        if calls.add(1, ordering: .relaxed).oldValue == 1 { throw DiskSaysNo() }
      }
      sync.finished(0)
      try sync.flush()
      sync.finished(1)
      // A thread sees to it after a tenth of a second.
      for _ in 0..<500 where calls.load(ordering: .relaxed) < 2 { usleep(10_000) }
      sync.finished(2)
      for _ in 0..<2 {
        do { try sync.flush() } catch is DiskSaysNo { print("refused after \(calls.load(ordering: .relaxed)) calls") }
      }
      ledger.close()
    }
  }

  /// Tries what a journal doesn't keep.
  static func unkept() async throws {
    try await Session.run { session in
      let lock = session.lock("l")
      print(try await session.delayed { try lock.withLock { 1 } }.compute())
      let queue = session.queue("q", of: Int.self)
      do { try await queue.put(1) } catch let error as MusterError { print("program: \(error)") }
      do {
        try await session.delayed(name: "put") { try queue.put(1) }.compute()
      } catch let error as MusterError { print("task: \(error.code) \(error.message)") }
    }
  }
}
