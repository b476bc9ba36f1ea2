internal import Glibc
internal import MusterScheduling

/// Ends that are no success: each with one message that says who, where and what.
extension RootRole {
  func checkDeadline() {
    let now = MonotonicClock.nanoseconds
    guard let deadline, !hasLeft, divergent == nil else { return }
    // The program has come, and waits for what a task is to tell it.
    guard !engine.coordination.programWaits else {
      programWaited = now
      return
    }
    guard request != nil || firstArrival != nil, !(request != nil && allAdmitted) else { return }
    let since = [request != nil ? requestTime : nil, firstArrival].compactMap { $0 }.min() ?? now
    // When such a wait ends the program's thread is still to say so.
    guard now - max(since, programWaited) > deadline else { return }
    let missing = (0..<engine.world.size).filter { $0 == 0 ? request == nil : arrivals[$0] == nil }
    let here = request?.arrival ?? arrivals.min { $0.key < $1.key }?.value
    let names = missing.map(String.init).joined(separator: ", ")
    endJob(
      "rank \(names) didn't come to \(here?.call.text ?? "the end of the session") within \(Duration.nanoseconds(deadline).text),"
        + " where the others wait. Every rank has to make the same calls; look for a branch that depends on the rank,"
        + " or raise MUSTER_PROGRESS_DEADLINE where the work between two calls takes longer")
  }

  func endDiverged(rank: Int, traces: [CallTrace]) {
    guard let own = request?.arrival, let theirs = divergent?.arrival else { return }
    endDiverged(rank: rank, own: own, theirs: theirs, traces: traces)
  }

  /// A worker's program has come to another graph than rank 0's.
  func endDiverged(rank: Int, at call: String, traces: [CallTrace]) {
    let own = Arrival(
      kind: .compute, sequence: 0, fingerprint: Fingerprint(),
      call: request?.arrival?.call ?? Call(operation: engine.calls().last?.text ?? "the start"))
    var theirs = own
    theirs.call = Call(operation: call)
    endDiverged(rank: rank, own: own, theirs: theirs, traces: traces)
  }

  private func endDiverged(rank: Int, own: Arrival, theirs: Arrival, traces: [CallTrace]) {
    var text = "ranks 0 and \(rank) diverged: every rank has to make the same calls.\n"
    if let failure = theirs.failure, own.failure == nil {
      text += "  rank \(rank) left the session with the error: \(failure)\n"
      text += "  rank 0 is at \(own.call.text)\n"
    } else if let failure = own.failure, theirs.failure == nil {
      text += "  rank 0 left the session with the error: \(failure)\n"
      text += "  rank \(rank) is at \(theirs.call.text)\n"
    } else if let failure = own.failure, let other = theirs.failure, failure != other {
      text += "  rank 0 left the session with the error: \(failure)\n"
      text += "  rank \(rank) left the session with the error: \(other)\n"
    }
    if let difference = CallTrace.firstDifference(engine.calls(), traces) {
      text += "  the first call that differs is number \(difference.number + 1):\n"
      text += "  rank 0: \(difference.a ?? "no such call; it is at \(own.call.text)")\n"
      text += "  rank \(rank): \(difference.b ?? "no such call; it is at \(theirs.call.text)")"
    } else {
      text += "  the first call that differs is more than \(CallLog.capacity) calls ago; now\n"
      text += "  rank 0: \(own.call.text)\n  rank \(rank): \(theirs.call.text)"
    }
    endJob(text)
  }

  func rankDied(_ rank: Int) {
    if terminatedWorker?.rank == rank { endWithWorker() }
    endJob(
      "\(name(rank)) died \(doing(rank)). Look for its last message, and for the out-of-memory killer in the kernel's"
        + " log of its node")
  }

  func ranksSilent(_ ranks: [Int], time: String) {
    let shown = ranks.prefix(8).map { "\(name($0)) is silent, \(doing($0))" }.joined(separator: "; ")
    let more = ranks.count > 8 ? "; and \(ranks.count - 8) ranks more" : ""
    endJob(
      "nothing has come for \(time): \(shown)\(more). Look whether the node is down or the process is stopped; raise"
        + " MUSTER_HEARTBEAT_PATIENCE where it is only slow")
  }

  func endWithWorker() {
    guard let (rank, signal, _) = terminatedWorker else { return }
    endJob("\(name(rank)) was ended by \(Signals.Termination(number: signal)) \(doing(rank))")
  }

  /// The launcher, or the batch system, ends the job.
  func terminated(by signal: Signals.Termination) {
    var text = "ended by \(signal) "
    if running != nil {
      text += "in \(request?.arrival?.call.text ?? "a collective"). "
      let busy = (1..<engine.world.size).filter { !conductor.scheduler.assigned(to: WorkerID($0)).isEmpty }
      text += busy.prefix(16).map { "Rank \($0) had \(tasks($0) ?? "none")" }.joined(separator: "; ")
      if busy.count > 16 { text += "; \(busy.count - 16) ranks more had tasks" }
      if busy.isEmpty { text += "No rank had a task" }
    } else if let request {
      text += "in \(request.arrival?.call.text ?? "a call")"
    } else {
      text += "outside of any collective"
      if let last = engine.calls().last { text += ", after \(last.text)" }
    }
    tellOfTheEnd()
    StandardStreams.writeError("muster: \(text)\n")
    StandardStreams.flushLastOutput()
    _exit(128 + signal.number)
  }

  /// SIGTERM has come, and ranks don't answer: they may have died, upon which a launcher ends the others.
  func terminated(without silent: [Int]) -> Never {
    var text = silent.prefix(16).map(name).joined(separator: ", ")
    if silent.count > 16 { text += " and \(silent.count - 16) ranks more" }
    tellOfTheEnd()
    StandardStreams.writeError(
      "muster: ended by SIGTERM, and no answer from \(text): a rank that dies has the launcher end the others."
        + " The journal has what was done until now\n")
    StandardStreams.flushLastOutput()
    _exit(128 + SIGTERM)
  }

  func name(_ rank: Int) -> String { "rank \(rank) (node \(engine.world.nodeNames[rank]))" }

  /// What a rank was doing, for the end of a sentence.
  private func doing(_ rank: Int) -> String {
    guard let tasks = tasks(rank) else {
      return running != nil && admitted.contains(rank) ? "while it had no task" : "outside of any collective"
    }
    let assigned = conductor.scheduler.assigned(to: WorkerID(rank))
    var text = "while it had the task\(assigned.count == 1 ? "" : "s") \(tasks)"
    if let site = assigned.first.flatMap({ conductor.layers[$0.layer]?.layer.callSite }) {
      text += ", asked for at \(site)"
    }
    return text
  }

  /// The tasks that a rank has; nil where it has none.
  private func tasks(_ rank: Int) -> String? {
    let tasks = conductor.scheduler.assigned(to: WorkerID(rank))
    guard !tasks.isEmpty else { return nil }
    let names = tasks.prefix(4).map { "\(conductor.layers[$0.layer]?.layer.tasks.name ?? "task")[\($0.index)]" }
    return names.joined(separator: ", ") + (tasks.count > 4 ? " and \(tasks.count - 4) more" : "")
  }

  /// Ends the job with one message.
  private func endJob(_ message: String) -> Never {
    tellOfTheEnd()
    FatalEnd.end(message, comm: engine.world.comm)
  }

  /// The others hear that it is meant, so that none reports this rank as dead.
  private func tellOfTheEnd() {
    sendToAll(.ending)
    transport.settle()
  }
}
