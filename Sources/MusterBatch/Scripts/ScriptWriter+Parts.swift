internal import MusterUnits

/// SLURM jobs of several parts: faults of its PMIx that would have them wait until the walltime is over.
extension ScriptWriter {
  /// The kind of MPI that `srun` is told; nil where it takes the cluster's default.
  private var mpiKind: String? {
    let options = job.cluster.launcherOptions
    let joined = options.last { $0.hasPrefix("--mpi=") }.map { String($0.dropFirst(6)) }
    return joined ?? zip(options, options.dropFirst()).reversed().first { $0.0 == "--mpi" }?.1 ?? job.cluster.mpi
  }

  private var mayUsePMIx: Bool {
    job.cluster.system == .slurm && launcher == .srun && shape.hasSchedulerNode && mpiKind?.hasPrefix("pmix") != false
  }

  /// SLURM before 23.02.2 numbers the nodes of a step of several parts by their names for PMIx, and by parts for itself:
  /// where these differ the ranks look for each other until the job's end (SLURM's change 88901de3).
  func addOrderOfNodes(to script: inout JobScript) {
    guard mayUsePMIx else { return }
    func add(_ text: String, _ reason: String = "") { script.add(text, reason) }
    script.gap()
    add(
      "muster_nodes=${SLURM_JOB_NODELIST_HET_GROUP_0-},${SLURM_JOB_NODELIST_HET_GROUP_1-}",
      "the scheduler's node, and the workers'")
    add(
      #"muster_sorted=$(scontrol show hostlistsorted "$muster_nodes" 2>/dev/null || true)"#,
      "as SLURM sorts their names")
    add(#"muster_nodes=$(scontrol show hostnames "$muster_nodes" 2>/dev/null || true)"#, "one in each line")
    add(
      #"if [ -n "$muster_nodes" ] && [ -n "$muster_sorted" ] &&"#,
      "SLURM before 23.02.2 can't start the ranks where these differ: they would wait until the job's end")
    let differ = #"  [ "$muster_nodes" != "$(scontrol show hostnames "$muster_sorted" || true)" ]"#
    add(differ + (mpiKind == nil ? " &&" : "; then"), "by the job's parts, and by their names")
    if mpiKind == nil {
      add(
        #"  [[ ${SLURM_MPI_TYPE:-$(scontrol show config | sed -n 's/^MpiDefault *= *//p')} == pmix* ]]; then"#,
        "other kinds of MPI can")
    }
    add(#"  muster_version=$(srun --version | sed 's/.* //' || true)"#, "slurm 23.02.1")
    add(#"  if [[ $muster_version == [0-9]* ]] &&"#, "a version that isn't said is taken for a newer one")
    add(#"    printf '%s\n' "$muster_version" 23.02.1 | LC_ALL=C sort -V -C; then"#)
    add(
      #"    echo "muster: SLURM $muster_version can't start ranks where the scheduler's node isn't the first by its name," \"#,
      "what to do about it")
    let afterRestarts = job.drain == nil ? "" : "${SLURM_RESTART_COUNT:+, without MUSTER_JOURNAL_START=anew}"
    add(
      #"      "as in ${muster_nodes//$'\n'/ }: leave out scheduler-node, or submit the job again for other nodes"#
        + afterRestarts + #"" >&2"#)
    if let drain = job.drain, drain.restarts { addWaitForOthers(drain, to: &script) }
    add("    exit 1")
    add("  fi")
    add("fi")
  }

  /// A job that has worked already goes on where it gets other nodes.
  private func addWaitForOthers(_ drain: JobDescription.Drain, to script: inout JobScript) {
    script.add(
      #"    if [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt "#
        + "\(drain.mostRestarts) ]; then", "a job that has worked already goes on where it gets other nodes")
    expectAnotherRun(true, indent: "      ", of: &script)
    script.add(
      #"      echo "muster: to be requeued: restart $((SLURM_RESTART_COUNT + 1)) of \#(drain.mostRestarts) at most" >&2"#
    )
    requeue("$SLURM_JOB_ID", indent: "      ", to: &script)
    expectAnotherRun(false, indent: "      ", of: &script)
    script.add("    fi")
  }

  /// Before SLURM 24.11 the parts of a step overwrite what PMIx's plugin keeps in `srun`, which may wait for ever when all
  /// ranks have gone (a2e96436). Returns whether the script looks after that.
  func addWatch(to script: inout JobScript) -> Bool {
    guard let drain = job.drain, mayUsePMIx else { return false }
    script.add("muster_watch() {", "before 24.11 SLURM's srun may go on when all ranks of the job's parts have gone")
    script.add(
      "  trap 'kill \"${muster_nap:-}\" 2>/dev/null; exit' TERM",
      "a watch that isn't wanted any more leaves no sleep behind")
    script.add("  trap '' \(drain.signal.rawValue)", "what is for the ranks isn't for this")
    script.add("  while :; do", "until it's ended")
    script.add("    until [ -e \"$MUSTER_JOURNAL.drained\" ]; do", "the ranks leave when they have drained")
    script.add("      sleep 1 & muster_nap=$!; wait \"$muster_nap\"")
    script.add("    done")
    script.add("    muster_left=30", "they have that long")
    if setsDeadline {
      script.add("    muster_half=$(((MUSTER_DEADLINE - $(date +%s)) / 2))", "or half of what is left of the job")
      script.add("    if [ \"$muster_half\" -lt 30 ]; then muster_left=$((muster_half > 3 ? muster_half : 3)); fi")
    }
    script.add("    sleep \"$muster_left\" & muster_nap=$!; wait \"$muster_nap\"")
    script.add(
      "    if [ -e \"$MUSTER_JOURNAL.drained\" ]; then break; fi",
      "else it was another run's, which this one has taken over")
    script.add("  done")
    script.add("  echo \"muster: srun is still there, $muster_left s after the ranks have left: it is killed\" >&2")
    script.add("  kill -KILL \"$muster_pid\"")
    script.add("}")
    return true
  }
}
