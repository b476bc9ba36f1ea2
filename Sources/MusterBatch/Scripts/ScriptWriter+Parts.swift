internal import MusterUnits

/// SLURM jobs of several parts: faults of its PMIx that would have them wait until the walltime is over.
extension ScriptWriter {
  /// The kind of MPI that `srun` is told; nil where it takes the cluster's default.
  private var mpiKind: String? {
    let option = "--mpi="
    return job.cluster.launcherOptions.last { $0.hasPrefix(option) }.map { String($0.dropFirst(option.count)) }
      ?? job.cluster.mpi
  }

  private var mayUsePMIx: Bool {
    job.cluster.system == .slurm && launcher == .srun && shape.hasSchedulerNode && mpiKind?.hasPrefix("pmix") != false
  }

  /// SLURM before 23.02.2 numbers the nodes of a step of several parts by their names for PMIx, and by parts for itself:
  /// where these differ the ranks look for each other until the job's end (SLURM's change 88901de3).
  var orderOfNodes: [JobScript.Line] {
    guard mayUsePMIx else { return [] }
    var lines: [JobScript.Line] = []
    func add(_ text: String, _ reason: String = "") { lines.append(JobScript.Line(text: text, reason: reason)) }
    add(
      "muster_nodes=${SLURM_JOB_NODELIST_HET_GROUP_0-},${SLURM_JOB_NODELIST_HET_GROUP_1-}",
      "the scheduler's node, and the workers'")
    add(
      #"muster_sorted=$(scontrol show hostlistsorted "$muster_nodes" 2>/dev/null || true)"#,
      "as SLURM sorts their names")
    add(#"muster_nodes=$(scontrol show hostnames "$muster_nodes" 2>/dev/null || true)"#, "one in each line")
    let isDefault = mpiKind == nil ? " &&" : "; then"
    add(
      #"if [ -n "$muster_sorted" ] && [ "$muster_nodes" != "$(scontrol show hostnames "$muster_sorted")" ]"#
        + isDefault,
      "SLURM before 23.02.2 can't start the ranks then: they would wait until the job's end")
    if mpiKind == nil {
      add(#"  scontrol show config | grep -q '^MpiDefault *= *pmix'; then"#, "other kinds of MPI can")
    }
    add(#"  muster_version=$(srun --version | sed 's/.* //')"#, "slurm 23.02.1")
    add(#"  if [[ $muster_version == [0-9]* ]] &&"#, "a version that isn't said is taken for a newer one")
    add(#"    printf '%s\n' "$muster_version" 23.02.1 | LC_ALL=C sort -V -C; then"#)
    add(
      #"    echo "muster: SLURM $muster_version can't start ranks where the scheduler's node isn't the first by its name," \"#,
      "what to do about it")
    add(
      #"      "as in ${muster_nodes//$'\n'/ }: leave out scheduler-node, or submit the job again for other"#
        + #" nodes${SLURM_RESTART_COUNT:+, without MUSTER_JOURNAL_START=anew}" >&2"#)
    if let drain = job.drain, drain.restarts {
      add(
        #"    if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "#
          + "\(drain.mostRestarts) ] &&", "a job that has worked already goes on where it gets other nodes")
      add(#"      scontrol requeue Incomplete "$SLURM_JOB_ID"; then"#, "Incomplete: not if it was cancelled just now")
      add(
        #"      echo "muster: requeued: restart $((SLURM_RESTART_COUNT + 1)) of \#(drain.mostRestarts) at most" >&2"#)
      add("      exit \(JobDescription.Drain.status)")
      add("    fi")
    }
    add("    exit 1")
    add("  fi")
    add("fi")
    return lines
  }

  /// Before SLURM 24.11 the parts of a step overwrite what PMIx's plugin keeps in `srun`, which may wait for ever when all
  /// ranks have gone (a2e96436). Returns whether the script looks after that.
  func addWatch(to script: inout JobScript) -> Bool {
    guard let drain = job.drain, mayUsePMIx else { return false }
    script.add("muster_watch() {", "before 24.11 SLURM's srun may go on when all ranks of the job's parts have gone")
    script.add("  trap 'kill $! 2>/dev/null; exit' TERM", "a watch that isn't wanted any more leaves no sleep behind")
    script.add("  until [ -e \"$MUSTER_JOURNAL.drained\" ]; do", "the ranks leave when they have drained")
    script.add("    sleep 5 & wait $!")
    script.add("  done")
    let patience = max(5, min(30, drain.lead / 4))
    script.add("  sleep \(patience) & wait $!", "they have that long, and the job has time left to run again")
    script.add("  echo \"muster: srun is still there, \(patience) s after the ranks have left: it is killed\" >&2")
    script.add("  kill -KILL \"$muster_pid\"")
    script.add("}")
    return true
  }
}
