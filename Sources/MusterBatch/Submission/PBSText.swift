/// What the commands of PBS print.
package enum PBSText {
  /// The number of a job that was submitted: `4321.server` or `4321[].server`, among other lines.
  package static func jobID(_ output: String) -> String? {
    for line in output.split(whereSeparator: \.isNewline).reversed() {
      if let match = line.wholeMatch(of: /\s*(\d+(?:\[\])?(?:\.[\w.-]+)?)\s*/) { return String(match.1) }
    }
    return nil
  }

  /// The number without the server: servers write themselves in several ways.
  static func number(_ id: String) -> String { String(id.prefix { $0.isNumber || "[]".contains($0) }) }

  /// What `qstat -f` prints, by the job's number: `Job Id: …`, then lines of `    key = value`, which go on after a tab.
  package static func statuses(_ output: String) -> [String: JobStatus] {
    var statuses: [String: JobStatus] = [:]
    var id = ""
    var values: [String: String] = [:]
    var key = ""
    func end() {
      guard !id.isEmpty else { return }
      statuses[number(id)] = status(id, values)
    }
    for line in output.split(whereSeparator: \.isNewline) {
      if let match = line.wholeMatch(of: /Job Id:?\s*(\S+)\s*/) {
        end()
        (id, values, key) = (String(match.1), [:], "")
      } else if let match = line.wholeMatch(of: /\s+([A-Za-z_][\w.]*) = (.*)/) {
        key = String(match.1)
        values[key] = String(match.2)
      } else if line.first == "\t", !key.isEmpty {
        values[key]! += line.drop { $0.isWhitespace }
      }
    }
    end()
    return statuses
  }

  private static func status(_ id: String, _ values: [String: String]) -> JobStatus {
    let letter = values["job_state"] ?? ""
    var status = JobStatus(id: id, state: .unknown, word: letter)
    // PBS Pro writes Exit_status, Torque exit_status; a signal is added to 256, or to 128.
    let exit = (values["Exit_status"] ?? values["exit_status"]).flatMap { Int($0.trimmingSpaces()) }
    status.name = values["Job_Name"]
    status.reason = values["comment"]
    switch letter.trimmingSpaces().uppercased().first {
    case "Q", "H", "W", "T", "M": status.state = .pending
    case "R", "E", "B": status.state = .running
    case "S", "U": status.state = .suspended
    case "C", "F", "X":
      status.exitStatus = exit
      if let exit, exit >= 256 {
        status.signal = exit - 256
      } else if let exit, exit > 128 {
        status.signal = exit - 128
      }
      status.state = final(exit: exit, comment: values["comment"] ?? "")
    default: break
    }
    return status
  }

  private static func final(exit: Int?, comment: String) -> JobState {
    let words = comment.lowercased()
    switch exit {
    case .some(-29): return .timedOut
    case .some(-27), .some(-28): return .outOfMemory
    case 271?, 265?:
      // SIGTERM and SIGKILL by PBS itself.
      return words.contains("walltime") ? .timedOut : .cancelled
    case 0?: return .completed
    case nil: return words.contains("deleted") || words.contains("terminated") ? .cancelled : .unknown
    default: return .failed
    }
  }
}
