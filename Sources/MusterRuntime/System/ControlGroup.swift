/// The limits of this process's control group and of those above it: batch systems and containers make one for each job,
/// and the files at the root say nothing of it.
package struct ControlGroup: Sendable {
  /// The file that names this process's control groups, and the folder that they are mounted in.
  private let membership: String
  private let mount: String

  /// - Parameters: For tests: other places than the kernel's.
  package init(membership: String, mount: String) {
    self.membership = membership
    self.mount = mount
  }

  /// The kernel's.
  package static let system = ControlGroup(membership: "/proc/self/cgroup", mount: "/sys/fs/cgroup")

  /// Stands for this process's control group: another one's has another number.
  static var own: UInt64 {
    var fingerprint = Fingerprint()
    fingerprint.fold(SmallFile.read("/proc/self/cgroup") ?? "")
    return fingerprint.low
  }

  /// The least of a controller's limits.
  ///
  /// - Parameters:
  ///   - controller: its name in version 1, such as `memory`.
  ///   - file: the file with the limit in version 2, of control groups.
  ///   - formerFile: the same in version 1.
  ///   - value: reads the limit from the file's text and folder; nil where it is no limit.
  func least(
    of controller: String, file: String, formerFile: String, value: (_ text: String, _ folder: String) -> Int?
  ) -> Int? {
    let lines = (SmallFile.read(membership) ?? "").split(separator: "\n")
    let limits = lines.flatMap { line -> [Int] in
      // `0::/path` in version 2, `4:memory:/path` in version 1.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let (root, name): (String, String)
      if fields[0] == "0" {
        (root, name) = (mount, file)
      } else if fields[1].split(separator: ",").contains(Substring(controller)) {
        (root, name) = ("\(mount)/\(controller)", formerFile)
      } else {
        return []
      }
      let parts = fields[2].split(separator: "/")
      return (0...parts.count).compactMap { depth in
        let folder = ([root] + parts.prefix(depth).map(String.init)).joined(separator: "/")
        return SmallFile.read("\(folder)/\(name)").flatMap { value($0, folder) }
      }
    }
    return limits.filter { $0 > 0 }.min()
  }
}
