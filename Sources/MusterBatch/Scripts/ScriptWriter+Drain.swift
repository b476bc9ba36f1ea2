internal import MusterUnits

/// Jobs whose program keeps a journal: it is told before the walltime is over, drains, and runs again.
extension ScriptWriter {
  /// Whether the script says when the job ends.
  var setsDeadline: Bool { job.drain != nil && job.walltime != nil }

  /// The first thing of a script: nothing has taken time yet.
  func addDeadline(to script: inout JobScript) {
    guard setsDeadline, let walltime = job.walltime else { return }
    let end = "$(($(date +%s) + \(walltime)))"
    script.add(
      "MUSTER_DEADLINE=" + (job.cluster.system == .slurm ? "${SLURM_JOB_END_TIME:-\(end)}" : end),
      "when the job ends, in seconds since 1970: the program drains in time, told or not")
    script.add("export MUSTER_DEADLINE")
  }

  func addJournal(to script: inout JobScript) {
    guard let journal = job.journal else { return }
    let index = job.cluster.system == .pbs ? "PBS_ARRAY_INDEX" : "SLURM_ARRAY_TASK_ID"
    let file = ShellText.file(journal.replacing("{name}", with: name), ["{index}": "\"$\(index)\""])
    script.add("export MUSTER_JOURNAL=\(file)", "where the program notes what is done, and goes on from")
    if let signal = job.drainSignal, signal != .usr1 {
      script.add("export MUSTER_DRAIN_SIGNAL=\(signal.rawValue)", "what it listens to")
    }
  }

  /// Right before the launch: a variable, of the job's or of whoever submits it, may say that the program is to begin anew,
  /// and the journal may be in a folder that the prologue makes.
  func addResumption(to script: inout JobScript) {
    guard job.drain?.restarts == true else { return }
    let isChain = job.cluster.system == .pbs
    let id = isChain ? "$job" : "$SLURM_JOB_ID"
    script.add(
      "if [ \"${MUSTER_JOURNAL_START:-}\" = anew ]; then",
      "what is to begin anew does so once: a run that has begun has touched the journal")
    script.add("  muster_was=$(stat -L -c %.Y -- \"$MUSTER_JOURNAL\" 2>/dev/null || echo none)")
    script.add(
      (isChain ? "  if [ \"$muster_restart\" -eq 0 ] &&" : "  if")
        + " [ \"$(head -n 1 -- \"$MUSTER_JOURNAL.anew\" 2>/dev/null || true)\" != \"\(id)\" ]; then")
    script.add(
      "    printf '%s\\n' \"\(id)\" \"$muster_was\" >\"$MUSTER_JOURNAL.anew\" || {", "the job's first start is noted")
    script.add("      echo \"muster: without '$MUSTER_JOURNAL.anew' the job would begin anew at each start\" >&2")
    script.add("      exit 1")
    script.add("    }")
    script.add("  elif [ \"$(tail -n 1 -- \"$MUSTER_JOURNAL.anew\" 2>/dev/null || true)\" != \"$muster_was\" ]; then")
    script.add("    export MUSTER_JOURNAL_START=resume")
    script.add("  fi")
    script.add("fi")
  }

  /// Before the prologue, during which the signal may come, too.
  func addListener(to script: inout JobScript) {
    guard let drain = job.drain else { return }
    let signal = drain.signal.rawValue
    script.gap()
    script.add(
      "muster_pid='' muster_heard=''" + (launcher.passesOn(drain.signal) ? " muster_told=''" : "")
        + (drain.restarts ? " muster_stopped=''" : ""),
      "the launcher, and whether a signal has come" + (drain.restarts ? "; and whether it was SIGTERM" : ""))
    script.add("muster_drain() {", "what is done on a signal")
    script.add("  muster_heard=yes", "the wait for the program, which the signal has cut short, begins again")
    if launcher.passesOn(drain.signal) {
      script.add("  if [ -n \"$muster_pid\" ]; then")
      script.add("    muster_told=yes")
      script.add(
        "    kill -\(signal) \"$muster_pid\" 2>/dev/null || true", "\(launcher.rawValue) passes it on to the ranks")
      script.add("  fi")
    }
    script.add("}")
    if launcher.passesOn(drain.signal) {
      script.add(
        "trap muster_drain \(signal)",
        setsDeadline ? "it is time to drain" : "somebody wants the program to drain")
    }
    // A launcher's answer to SIGTERM is to kill the ranks.
    script.add(
      drain.restarts ? "trap 'muster_stopped=yes; muster_drain' TERM" : "trap muster_drain TERM",
      launcher.passesOn(drain.signal)
        ? "the job is ended: the program drains in the time that is left to it"
        : "\(launcher.rawValue) isn't known to pass signals on: the program goes by MUSTER_DEADLINE, and this shell waits"
    )
    if job.cluster.system == .local {
      script.add(
        "trap 'muster_heard=yes' INT",
        "the keyboard has told the launcher, too: told twice, it would go without its ranks")
    }
  }

  /// The launch in the background, so that the shell hears signals; the wait for its end; and what follows from its status.
  func launchAndDrain(_ lines: [String], _ reason: String, of script: inout JobScript) {
    guard let drain = job.drain else { return }
    script.add("muster_resuming=''")
    script.add(
      "if [ \"${MUSTER_JOURNAL_START:-}\" = anew ]; then muster_resuming=' without MUSTER_JOURNAL_START=anew'; fi",
      "for what is said of how to go on")
    addResumption(to: &script)
    script.add("rm -f -- \"$MUSTER_JOURNAL.drained\"", "an earlier run's")
    let hasTimer = addTimer(to: &script)
    let hasWatch = addWatch(to: &script)
    script.add(
      "status=\(JobDescription.drainedStatus)", "a program that hasn't begun when the signal comes has drained")
    script.add("if [ -z \"$muster_heard\" ]; then")
    for (number, line) in lines.enumerated() {
      // Else the shell gives what is in the background nothing to read. A batch system's script may come that way itself.
      let input = job.cluster.system == .local ? " <&0" : ""
      let end = number == lines.count - 1 ? input + " &" : ""
      script.add("  " + line + end, number == 0 ? reason + "; in the background, so that this shell hears signals" : "")
    }
    script.add("  muster_pid=$!")
    if hasTimer { script.add("  muster_timer & muster_clock=$!") }
    if hasWatch { script.add("  muster_watch & muster_clock=$!") }
    script.add("  if [ -n \"$muster_heard\" ]; then muster_drain; fi", "one that came before the launcher had a number")
    script.add("  muster_heard=yes")
    script.add("  while [ -n \"$muster_heard\" ]; do", "until the program has ended, however many signals come")
    script.add("    muster_heard='' status=0")
    script.add("    wait \"$muster_pid\" || status=$?")
    script.add("  done")
    if hasTimer || hasWatch {
      script.add("  kill \"$muster_clock\" 2>/dev/null || true", "it has nothing more to tell")
    }
    script.add("fi")
    script.add(
      "if [ -e \"$MUSTER_JOURNAL.drained\" ]; then status=\(JobDescription.drainedStatus); fi",
      "so says the program, whatever its launcher makes of that")
    if launcher.passesOn(drain.signal) { addEarlyEnd(drain, to: &script) }
    script.add(
      "if [ \"$status\" -eq \(JobDescription.drainedStatus) ]; then",
      "drained, not finished; any other status but 0 is a failure, after which the job doesn't run again")
    switch (job.cluster.system, drain.restarts) {
    case (.slurm, true): addRequeue(drain, to: &script)
    case (.pbs, true): addChain(drain, to: &script)
    case (.local, _): say("and not finished: start this script again$muster_resuming to go on", to: &script)
    default: say("and not finished: submit the job again$muster_resuming to go on", to: &script)
    }
    script.add("fi")
    if drain.restarts {
      script.add("if [ -n \"$muster_stopped\" ] && [ \"$status\" -ne 0 ] && [ \"$status\" -ne 85 ]; then")
      script.add(
        "  echo \"muster: the job was told to end: submitted again$muster_resuming the program goes on from what its journal has\" >&2",
        "the launcher, or the system, was quicker")
      script.add("fi")
    }
    script.add("[ \"$status\" -eq 0 ] || exit \"$status\"", "the job ends as the program did")
  }

  /// A program that hasn't begun its session doesn't know the signal, and is ended by it: it goes on from its journal all
  /// the same. One without a journal may be one that never knows the signal.
  private func addEarlyEnd(_ drain: JobDescription.Drain, to script: inout JobScript) {
    // MPICH's launcher gives the signal's number alone.
    let ends = launcher.givesSignalsAsTheyAre ? [drain.signal.number] : []
    let tests = (ends + [128 + drain.signal.number]).map { "[ \"$status\" -eq \($0) ]" }
    let isEnded = tests.count == 1 ? tests[0] : "{ \(tests.joined(separator: " || ")); }"
    script.add(
      "if [ -n \"$muster_told\" ] && \(isEnded); then", "the signal has ended it, before its session had begun")
    script.add("  if [ -s \"$MUSTER_JOURNAL\" ]; then")
    script.add("    status=\(JobDescription.drainedStatus)", "it goes on as if it had drained")
    script.add("  else")
    script.add(
      "    echo \"muster: \(drain.signal.rawValue) ended the program, and there is no journal '$MUSTER_JOURNAL':\" \\")
    script.add("      \"it isn't known to go on where it was\" >&2")
    script.add("  fi")
    script.add("fi")
  }

  /// Where no batch system gives a signal the script has a timer. Returns whether it has one.
  private func addTimer(to script: inout JobScript) -> Bool {
    guard let drain = job.drain, job.walltime != nil, job.cluster.system != .slurm else { return false }
    let isLocal = job.cluster.system == .local
    guard isLocal || launcher.passesOn(drain.signal) else { return false }
    func pause(untilBeforeEnd lead: Int, _ reason: String) {
      script.add("  muster_left=$((MUSTER_DEADLINE\(lead > 0 ? " - \(lead)" : "") - $(date +%s)))", reason)
      script.add("  sleep \"$((muster_left > 0 ? muster_left : 0))\" & wait $!")
    }
    script.add(
      "muster_timer() {",
      isLocal
        ? "there is no batch system that would tell the program" : "PBS gives no signal before the walltime is over")
    script.add("  trap 'kill $! 2>/dev/null; exit' TERM", "a timer that isn't wanted any more leaves no sleep behind")
    pause(untilBeforeEnd: drain.lead, "\(Walltime.text(drain.lead)) before the end, however long the prologue took")
    script.add("  kill -\(drain.signal.rawValue) $$", "as if the signal came from outside")
    if isLocal {
      pause(untilBeforeEnd: 0, "the walltime is over")
      script.add("  kill -TERM \"$muster_pid\"", "a program that hasn't drained is ended")
      script.add("  sleep 30 & wait $!")
      script.add("  kill -KILL \"$muster_pid\"")
    }
    script.add("}")
    return true
  }
}
