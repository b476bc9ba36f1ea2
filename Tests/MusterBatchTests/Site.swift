import Foundation

/// A folder with stand-ins, each of which notes how it was called, and a ledger.
final class Site: Sendable {
  let folder: String

  init(_ commands: [String: String]) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("muster-site-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder + "/bin", withIntermediateDirectories: true)
    for (name, body) in commands {
      let path = "\(folder)/bin/\(name)"
      try "#!/bin/bash\necho \"\(name) $*\" >>'\(folder)/calls'\n\(body)\n".write(
        toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
  }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func muster(_ arguments: String...) throws -> (status: Int32, output: String) { try muster(arguments) }

  func muster(_ arguments: [String]) throws -> (status: Int32, output: String) {
    try Tool.run(
      Tool.muster, arguments, environment: ["PATH": folder + "/bin:/usr/bin:/bin", "XDG_STATE_HOME": folder],
      in: folder)
  }

  func calls() -> [String] {
    let text = (try? String(contentsOfFile: folder + "/calls", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  func note(_ id: String, system: String = "slurm") throws {
    let record =
      #"{"command":["./heat"],"folder":"\#(folder)","id":"\#(id)","name":"heat","output":"heat-\#(id).out","system":"\#(system)","time":1}"#
    try FileManager.default.createDirectory(atPath: folder + "/muster", withIntermediateDirectories: true)
    let path = folder + "/muster/jobs.jsonl"
    let before = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    try (before + record + "\n").write(toFile: path, atomically: true, encoding: .utf8)
  }
}
