/// How progress is put into words: pure, so that tests can read it.
package enum ProgressText {
  /// `mean  [#######---------]  45 %  450/1000 tasks  12 s`
  package static func bar(_ snapshot: ProgressBoard.Snapshot, seconds: Int, columns: Int) -> String {
    let (percent, counts) = figures(snapshot)
    let prefix = "\(snapshot.operation)  ["
    let suffix = "]  \(percent) %  \(counts)  \(duration(seconds))"
    let room = columns - 1 - prefix.count - suffix.count
    guard room >= 4 else { return String((snapshot.operation + suffix.dropFirst()).prefix(max(0, columns - 1))) }
    let width = min(40, room)
    let filled = snapshot.total == 0 ? width : width * snapshot.finished / snapshot.total
    return prefix + String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled) + suffix
  }

  /// `muster: mean: 45 %, 450/1000 tasks, 12 s`
  package static func line(_ snapshot: ProgressBoard.Snapshot, seconds: Int) -> String {
    let (percent, counts) = figures(snapshot)
    return "muster: \(snapshot.operation): \(percent) %, \(counts), \(duration(seconds))"
  }

  private static func figures(_ snapshot: ProgressBoard.Snapshot) -> (Int, String) {
    let percent = snapshot.total == 0 ? 100 : 100 * snapshot.finished / snapshot.total
    return (percent, "\(snapshot.finished)/\(snapshot.total) tasks")
  }

  package static func duration(_ seconds: Int) -> String {
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
  }
}
