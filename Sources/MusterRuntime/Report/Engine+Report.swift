internal import Glibc

extension Engine {
  /// What the report knows of the ranks.
  var reportMembers: [JobFigures.Member] {
    if let engine = self as? RankEngine {
      return engine.world.members.enumerated().map { rank, member in
        JobFigures.Member(
          node: engine.world.nodeNames[rank], threads: rank == 0 ? 0 : Int(member.threads),
          memoryLimit: member.memoryLimit)
      }
    }
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let node = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return [
      JobFigures.Member(
        node: node, threads: threadCount, memoryLimit: (self as? LocalEngine)?.memoryLimit ?? 0)
    ]
  }

  /// Begins the report on rank 0, where there is to be one.
  ///
  /// - Throws: `MusterError` where its file can't be made.
  func openReport(_ setting: String) throws(MusterError) {
    let path = CommandLine.arguments.first ?? "the program"
    let program = path.split(separator: "/").last.map(String.init) ?? path
    try events?.openReport(setting, program: program, members: reportMembers)
  }
}
