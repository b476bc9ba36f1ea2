import Foundation

/// File systems in memory, which root can mount where the machine allows it.
enum MemoryDisk {
  static let isPossible: Bool = {
    let folder = temporaryFolder("disk")
    guard (try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)) != nil else {
      return false
    }
    defer { removeFolder(folder) }
    return (try? mounted(on: folder, options: "size=1m") {}) != nil
  }()

  /// Runs the body with a file system mounted on a folder.
  static func mounted(on folder: String, options: String, _ body: () throws -> Void) throws {
    try run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder])
    defer { try? run("umount", ["-l", folder]) }
    try body()
  }

  /// Gives a file system that is mounted another size.
  static func enlarge(_ folder: String, options: String) throws {
    try run("mount", ["-o", "remount,\(options)", folder])
  }

  private static func run(_ program: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw LaunchError("\(program) \(arguments) ended with \(process.terminationStatus)")
    }
  }
}
