import Foundation

func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

func removeFolder(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

/// A path for a folder that isn't there yet.
func temporaryFolder(_ name: String) -> String {
  FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(name)-\(UUID().uuidString)").path
}
