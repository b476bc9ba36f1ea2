/// What SLURM's commands print. Sites print more around it, and versions differ: what isn't known is passed over.
package enum SLURMText {
  /// The number of a job that was submitted: `4321`, `4321;cluster` or `Submitted batch job 4321`, among other lines.
  package static func jobID(_ output: String) -> String? {
    for line in output.split(whereSeparator: \.isNewline).reversed() {
      if let match = line.wholeMatch(of: /\s*(?:Submitted batch job )?(\d+)(?:;\S*)?\s*/) { return String(match.1) }
    }
    return nil
  }

  /// A state in its long or short form, with what may follow it: `CANCELLED by 0`, `COMPLETED+`.
  package static func state(_ word: String) -> JobState {
    let first = word.uppercased().prefix { $0.isLetter || $0 == "_" }
    return states[String(first)] ?? .unknown
  }

  private static let states: [String: JobState] = {
    let groups: [(JobState, [String])] = [
      (
        .pending,
        [
          "PENDING", "PD", "CONFIGURING", "CF", "REQUEUED", "RQ", "REQUEUE_FED", "RF", "REQUEUE_HOLD", "RH",
          "RESV_DEL_HOLD", "RD", "SPECIAL_EXIT", "SE",
        ]
      ),
      (
        .running,
        ["RUNNING", "R", "COMPLETING", "CG", "RESIZING", "RS", "SIGNALING", "SI", "STAGE_OUT", "SO", "POWER_UP_NODE"]
      ),
      (.suspended, ["SUSPENDED", "S", "STOPPED", "ST"]),
      (.completed, ["COMPLETED", "CD"]),
      (.failed, ["FAILED", "F", "LAUNCH_FAILED", "RECONFIG_FAIL"]),
      (.cancelled, ["CANCELLED", "CA", "REVOKED", "RV"]),
      (.timedOut, ["TIMEOUT", "TO", "DEADLINE", "DL"]),
      (.outOfMemory, ["OUT_OF_MEMORY", "OOM", "OUT_OF_ME"]),
      (.nodeFailed, ["NODE_FAIL", "NF", "BOOT_FAIL", "BF"]),
      (.preempted, ["PREEMPTED", "PR"]),
    ]
    return Dictionary(uniqueKeysWithValues: groups.flatMap { state, words in words.map { ($0, state) } })
  }()

  /// A job, or some of an array that haven't begun, of lines of `id|state|reason|name|exit`; `exit` is `status:signal`.
  package static func statuses(_ output: String) -> [String: JobStatus] {
    var jobs: [String: [JobStatus.Part]] = [:]
    var arrays: Set<String> = []
    for line in output.split(whereSeparator: \.isNewline) {
      let fields = line.split(separator: "|", omittingEmptySubsequences: false).map {
        String($0).trimmingSpaces()
      }
      guard fields.count >= 4, let match = fields[0].wholeMatch(of: /(\d+)(?:_(\d+|\[.*\]))?(?:\+\d+)?/) else {
        continue
      }
      let id = String(match.1)
      if match.2 != nil { arrays.insert(id) }
      let indices = match.2.map { $0.hasPrefix("[") ? $0.dropFirst().dropLast() : $0 }
      let part = JobStatus.Part(
        status: status(id, fields), count: indices.map(count) ?? 1,
        indices: indices.map { String($0.prefix { $0 != "%" }) })
      jobs[id, default: []].append(part)
    }
    var statuses: [String: JobStatus] = [:]
    for (id, parts) in jobs {
      if arrays.contains(id) {
        statuses[id] = .array(id, parts)
      } else {
        // The parts of a job of several.
        let state = JobState.ofAll(parts.map(\.status.state))
        statuses[id] = parts.first { $0.status.state == state }?.status
      }
    }
    return statuses
  }

  private static func status(_ id: String, _ fields: [String]) -> JobStatus {
    var status = JobStatus(id: id, state: state(fields[1]), word: fields[1])
    if !["", "None", "(null)"].contains(fields[2]) { status.reason = fields[2] }
    if !fields[3].isEmpty { status.name = fields[3] }
    if fields.count > 4, status.state.isFinal { read(exit: fields[4], into: &status) }
    return status
  }

  private static func read(exit: String, into status: inout JobStatus) {
    guard let match = exit.wholeMatch(of: /(\d+):(\d+)/) else { return }
    status.exitStatus = Int(match.1)
    status.signal = Int(match.2).flatMap { $0 == 0 ? nil : $0 }
  }

  /// How many indices `1-9:2%4` or `3,5-7` are.
  private static func count(_ indices: Substring) -> Int {
    indices.prefix { $0 != "%" }.split(separator: ",").reduce(0) { sum, part in
      guard let match = part.wholeMatch(of: /(\d+)(?:-(\d+)(?::(\d+))?)?/), let first = Int(match.1) else {
        return sum + 1
      }
      let last = match.2.flatMap { Int($0) } ?? first
      return sum + (last - first) / max(1, match.3.flatMap { Int($0) } ?? 1) + 1
    }
  }

  /// What `scontrol --oneliner show job` prints: a line for each job of `Key=value`, whose values may have spaces.
  package static func described(_ output: String) -> [String: JobStatus] {
    var lines = ""
    for line in output.split(whereSeparator: \.isNewline) {
      func field(_ name: String) -> String {
        guard let start = line.firstRange(of: "\(name)=") else { return "" }
        // A key begins after a space and ends with `=`.
        let rest = line[start.upperBound...]
        let end = rest.firstMatch(of: /\s+[A-Za-z:\/]+=/)?.range.lowerBound ?? rest.endIndex
        return String(rest[..<end]).trimmingSpaces()
      }
      guard line.hasPrefix("JobId=") else { continue }
      let array = field("ArrayJobId")
      let id = array.isEmpty ? field("JobId") : "\(array)_\(indices(field("ArrayTaskId")))"
      let first = id.split(separator: " ").first.map(String.init) ?? id
      let name = field("JobName").replacing("|", with: "/")
      lines += "\(first)|\(field("JobState"))|\(field(" Reason"))|\(name)|\(field("ExitCode"))\n"
    }
    return statuses(lines)
  }

  private static func indices(_ text: String) -> String { Int(text) != nil ? text : "[\(text)]" }
}

extension String {
  func trimmingSpaces() -> String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
