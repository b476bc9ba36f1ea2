import Foundation

func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

func removeFolder(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
