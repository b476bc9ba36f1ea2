/// What follows when a program has drained: the job runs again.
extension ScriptWriter {
  func say(_ what: String, indent: String = "  ", to script: inout JobScript) {
    script.add("\(indent)echo \"muster: drained, \(what)\" >&2")
  }

  func addRequeue(_ drain: JobDescription.Drain, to script: inout JobScript) {
    let id = job.array == nil ? "$SLURM_JOB_ID" : "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    addReasonsNotTo(drain, restarts: "${SLURM_RESTART_COUNT:-0}", to: &script)
    say(
      "and requeued: restart $((${SLURM_RESTART_COUNT:-0} + 1)) of \(drain.mostRestarts) at most",
      indent: "    ", to: &script)
    expectAnotherRun(true, of: &script)
    requeue(id, indent: "    ", to: &script)
    expectAnotherRun(false, of: &script)
    script.add("    echo \"muster: the job wasn't requeued: submit it again$muster_resuming to go on\" >&2")
    script.add("  fi")
  }

  /// Puts the job back into SLURM's queue, and ends it with the status of a drain where that is done.
  func requeue(_ id: String, indent: String, to script: inout JobScript) {
    script.add("\(indent)muster_requeue=0")
    script.add(
      "\(indent)scontrol requeue Incomplete \"\(id)\" || muster_requeue=$?",
      "Incomplete: not if it was cancelled just now")
    script.add(
      "\(indent)if [ \"$muster_requeue\" -eq 0 ] || [ \"$muster_requeue\" -gt 128 ]; then exit \(JobDescription.drainedStatus); fi",
      "SLURM ends the job's processes when it is back in the queue: scontrol may be the first")
  }

  /// What a script needs to submit itself again: PBS has a copy of it, in a folder that is gone when the job ends.
  var pbsSelf: [JobScript.Line] {
    [
      .init(
        text: "muster_restart=0",
        reason: "how often the job was submitted again: the script that is has a higher number"),
      .init(
        text: "muster_script=$(cat -- \"$0\") ||"
          + " { echo \"muster: no script to submit again: see restarts\" >&2; exit 1; }",
        reason: "PBS has a copy of its own, whose path is another one next time"),
      .init(
        text: "muster_folder=$PWD", reason: "that of the submission; SLURM's own qsub gives a job no PBS_O_WORKDIR"),
    ]
  }

  func addChain(_ drain: JobDescription.Drain, to script: inout JobScript) {
    let isArray = job.array != nil
    addReasonsNotTo(drain, restarts: "$muster_restart", to: &script)
    script.add(
      "    muster_next=$muster_folder/\(ShellText.word(name))-$job\(isArray ? "-$PBS_ARRAY_INDEX" : "").pbs",
      "the script of the next job; it is left there if it can't be submitted")
    let index = isArray ? "; export PBS_ARRAY_INDEX=$PBS_ARRAY_INDEX" : ""
    var edits = [
      #"-e "s/^muster_restart=.*/muster_restart=$((muster_restart + 1))\#(index)/""#, "-e '/^#PBS -W depend=/d'",
    ]
    if isArray { edits.append("-e '/^#PBS -J /d'") }
    let lines = Self.continued(["if sed"] + edits + ["<<<\"$muster_script\" >\"$muster_next\" &&"])
    for (number, line) in lines.enumerated() {
      script.add(
        "    " + line,
        number == 0 ? "as this script" + (isArray ? ", for this index only" : "") + ", which has waited already" : "")
    }
    script.add(
      "      muster_id=$(cd \"$muster_folder\" && qsub \"$muster_next\"); then",
      "a job belongs to the folder of its qsub")
    say(
      "and goes on as job $muster_id: restart $((muster_restart + 1)) of \(drain.mostRestarts) at most",
      indent: "      ",
      to: &script)
    script.add("      rm -f \"$muster_next\"")
    expectAnotherRun(true, indent: "      ", of: &script)
    script.add("      exit \"$status\"")
    script.add("    fi")
    script.add("    echo \"muster: the job wasn't submitted again: qsub $muster_next to go on\" >&2")
    script.add("  fi")
  }

  /// A job that was told to end, as by scancel or qdel, or has run often enough, doesn't run again. What is added next is
  /// for the others.
  private func addReasonsNotTo(_ drain: JobDescription.Drain, restarts: String, to script: inout JobScript) {
    script.add("  if [ -n \"$muster_stopped\" ]; then", "somebody cancelled it, or the walltime is over")
    say("since the job was told to end: submit it again$muster_resuming to go on", indent: "    ", to: &script)
    script.add(
      "  elif [ \"\(restarts)\" -ge \(drain.mostRestarts) ]; then", "one that gets no further doesn't run for ever")
    say(
      "and restarted \(drain.mostRestarts) times already (most-restarts): submit it again$muster_resuming to go on",
      indent: "    ",
      to: &script)
    script.add("  else")
  }

  /// Tells the epilogue whether the job's end is still to come.
  func expectAnotherRun(_ isExpected: Bool, indent: String = "    ", of script: inout JobScript) {
    guard !job.epilogue.isEmpty else { return }
    script.add(
      "\(indent)muster_again=\(isExpected ? "yes" : "''")",
      isExpected ? "the epilogue waits for the job's last run" : "")
  }
}
