import Muster
import MusterScheduling

/// The programs that tests launch on several ranks: the first argument names one.
@main
struct RankPrograms {
  static func main() async throws {
    let arguments = CommandLine.arguments
    let name = arguments.count > 1 ? arguments[1] : ""
    guard let program = programs[name] else {
      print("usage: rank-programs NAME; one of \(programs.keys.sorted().joined(separator: ", "))")
      throw MusterError(.invalidArgument, "there is no program '\(name)'")
    }
    try await program(Array(arguments.dropFirst(2)))
  }

  typealias Program = @Sendable ([String]) async throws -> Void

  static let programs: [String: Program] = [
    "report": { _ in try await Basics.report() },
    "sum": { try await Basics.sum(count: Int($0[0])!) },
    "quick": { try await Basics.quick(rounds: Int($0[0])!) },
    "bulk": { try await Bulk.cross(bytes: Int($0[0])!) },
    "result": { try await Bulk.result(bytes: Int($0[0])!) },
    "pieces": { _ in try await Bulk.pieces() },
    "long": { _ in try await Basics.long() },
    "main-actor": { try await MainActorPrograms.run(folder: $0[0]) },
    "memory": { try await MemoryLimit.run(steps: Int($0[0])!) },
    "memory-uv": {
      try await MemoryUV.run(bytes: Int($0[0])!, chunkBytes: Int($0[1])!, way: Set($0[2...]))
    },
    "temporaries": { try await MemoryLimit.temporaries(count: Int($0[0])!, bytes: Int($0[1])!) },
    "own-values": {
      try await MemoryLimit.ownValues($0[0], count: Int($0[1])!, numbers: Int($0[2])!)
    },
    "large-values": { try await LargeValues.run($0[0], count: Int($0[1])!, numbers: Int($0[2])!) },
    "transfers": { try await MemoryLimit.transfers(count: Int($0[0])!, bytes: Int($0[1])!, inputs: Int($0[2])!) },
    "does-not-fit": { _ in try await MemoryLimit.doNotFit() },
    "progress": { try await ProgressShow.run($0.first ?? "") },
    "operations": { try await Operations.run(compressed: $0[0], folder: $0[1]) },
    "bad-input": { try await BadInput.run($0[0], folder: $0[1]) },
    "errors": { _ in try await Failures.caught() },
    "uncaught": { _ in try await Failures.uncaught() },
    "lose": { try await Failures.lose(rank: Int($0[0])!, by: Failures.Fate(rawValue: $0[1])!) },
    "busy": { try await Failures.busy(seconds: Int($0[0])!) },
    "after-error": { try await Failures.afterError($0[0], rank: $0.count > 1 ? Int($0[1])! : 0) },
    "sessions": { try await Failures.sessions(count: Int($0[0])!, one: $0.count > 1 ? Int($0[1])! : nil) },
    "after-session": {
      try await Failures.afterSession(
        rank: Int($0[0])!, fate: Failures.Fate(rawValue: $0[1])!, others: Failures.Others(rawValue: $0[2])!)
    },
    "busy-between-sessions": { try await Failures.busyBetweenSessions(seconds: Int($0[0])!) },
    "delayed": { _ in try await DelayedFunctions.run() },
    "futures": { _ in try await Futures.run() },
    "futures-completed": { try await Futures.complete(count: Int($0[0])!) },
    "futures-chain": { try await FutureEnds.chain(steps: Int($0[0])!) },
    "futures-slow-to-go": { _ in try await FutureEnds.slowToGo() },
    "futures-captured": { _ in try await FutureEnds.captured() },
    "futures-cancel-kept": { try await FutureEnds.cancelKept(folder: $0[0]) },
    "futures-cancel-taken": { _ in try await FutureEnds.cancelTaken() },
    "futures-left": { _ in try await Futures.leave() },
    "given": { _ in try await Given.run() },
    "futures-share": { try await Futures.share(folder: $0[0]) },
    "futures-diverge": { try await Futures.diverge($0[0]) },
    "draw": { try await DelayedFunctions.draw(to: $0[0]) },
    "durable": { try await Durable.run(folder: $0[0], milliseconds: Int($0[1])!) },
    "durable-job": {
      try await Durable.job(folder: $0[0], rounds: Int($0[1])!, milliseconds: Int($0[2])!)
    },
    "durable-chain": {
      try await Durable.chain(steps: Int($0[0])!, way: $0[1], milliseconds: $0.count > 2 ? Int($0[2])! : 0)
    },
    "durable-changed": { _ in try await Durable.changed() },
    "durable-otherwise": { _ in try await Durable.keptOtherwise() },
    "durable-failing": { try await Durable.failing(path: $0[0]) },
    "durable-write": { try await Durable.writeFile($0[0], unless: $0[1], compressed: $0.dropFirst(2).first != nil) },
    "durable-refused": { try await Durable.writeRefused($0[0]) },
    "durable-large": { try await Durable.writeLargeFile($0[0], chunks: Int($0[1])!, way: $0[2]) },
    "durable-result": { try await Durable.largeResult(count: Int($0[0])!) },
    "durable-files": { try await Durable.writeManyFiles(folder: $0[0], rounds: Int($0[1])!) },
    "durable-mixed": { try await Durable.mixed(seconds: Int($0[0])!) },
    "durable-brief": { try await Durable.brief(milliseconds: Int($0[0])!) },
    "durable-silence": { _ in try await Durable.endedInSilence() },
    "durable-twice": { _ in try await Durable.twice() },
    "durable-exit": { _ in try await Durable.exitEarly() },
    "durable-futures": { try await Durable.futures(count: Int($0[0])!) },
    "durable-many": { try await Durable.many(count: Int($0[0])!, elements: Int($0[1])!) },
    "durable-chatty": { try await Durable.chat(lines: Int($0[0])!) },
    "durable-unwritten": { _ in try await Durable.unwritten() },
    "durable-unkept": { _ in try await Durable.unkept() },
    "coordinate": { try await Coordinated.run(folder: $0[0]) },
    "brief-tasks": {
      $0[0] == "name" ? try await BriefTasks.name() : try await BriefTasks.turnOutLong(endless: $0[0] == "endless")
    },
    "go-on-beside": { _ in try await Limits.goOnBeside() },
    "lose-all-threads": { _ in try await Limits.loseAllThreads() },
    "drop-late": { _ in try await Limits.dropLate() },
    "wait-without-memory": { _ in try await Limits.waitWithoutMemory() },
    "own-handler": { try await Failures.ownHandler($0[0]) },
    "own-mpi": { try await OwnMPI.run($0[0]) },
    "wait-in-program": { try await Coordinated.waitInProgram(times: Int($0[0])!, milliseconds: Int($0[1])!) },
    "session-in-task": { _ in try await DelayedFunctions.callSession() },
    "late": { try await Failures.late(rank: Int($0[0])!) },
    "fail-while-a-block-crosses": { _ in try await Ends.failWhileABlockCrosses() },
    "return-while-computing": { _ in try await Ends.returnWhileComputing() },
    "run-out-of-file-descriptors": { _ in try await Ends.runOutOfFileDescriptors() },
    "exit-of-a-fork": { _ in try await Ends.exitOfAFork() },
    "fail-after-the-session": { _ in try await Ends.failAfterTheSession() },
    "lose-at-the-end": { try await Ends.loseAtTheEnd(rank: Int($0[0])!) },
    "end": { try await Departure.end($0[0]) },
    "leave-blocks-on-their-way": {
      try await Departure.leaveBlocksOnTheirWay(sessions: Int($0[0])!, headerCount: Int($0[1])!, bytes: Int($0[2])!)
    },
    "impatient": { try await Voice.impatient(rank: Int($0[0])!) },
    "thrown": {
      try await Voice.thrown(
        by: $0[0].split(separator: ",").map { Int($0)! }, alike: $0[1] == "alike", othersGoOn: $0[2] == "on")
    },
    "between": { try await Voice.between(rank: Int($0[0])!, fate: $0[1]) },
    "printed": { try await Voice.printed($0[0], path: $0[1]) },
    "reported-brief": { try await Traced.reportBrief(count: Int($0[0])!) },
    "reported-waits": { try await Traced.reportWaits(path: $0[0]) },
    "reported": { try await Traced.report(path: $0[0]) },
    "traced": { try await Traced.run(count: Int($0[0])!, bytes: Int($0[1])!, fails: $0.count > 2) },
    "leave-while-busy": { try await Departure.leaveWhileBusy(sessions: Int($0[0])!) },
    "diverge": { try await Divergence.run($0[0]) },
  ]
}
