import ComplexModule
import Foundation
import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

/// Something that the tests need and the environment lacks.
struct MissingSupport: Error, CustomStringConvertible {
  var description: String
}

enum Reference {
  /// A file that `make_hdf5.py` wrote.
  static func file(_ name: String) throws -> String {
    guard let folder = ProcessInfo.processInfo.environment["MUSTER_REFERENCE"] else {
      throw MissingSupport(
        description: "MUSTER_REFERENCE isn't set: run the tests with `make test`, or make a folder with "
          + "Tests/Reference/make_hdf5.py and set the variable to it")
    }
    let path = folder + "/" + name
    guard FileManager.default.fileExists(atPath: path) else {
      throw MissingSupport(description: "\(path) is missing: make it with Tests/Reference/make_hdf5.py")
    }
    return path
  }

  /// Runs a program; returns its output, that of errors included.
  static func run(_ program: String, _ arguments: [String], input: Data = Data()) throws -> (
    status: Int32, output: String
  ) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let (stdin, stdout) = (Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stdout
    try process.run()
    stdin.fileHandleForWriting.write(input)
    try stdin.fileHandleForWriting.close()
    let output = stdout.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  /// Runs a script next to `make_hdf5.py` in the Python that has h5py.
  static func python(_ script: String, _ arguments: [String], input: Data) throws -> (status: Int32, output: String) {
    guard let python = ProcessInfo.processInfo.environment["MUSTER_PYTHON"] else {
      throw MissingSupport(
        description: "MUSTER_PYTHON isn't set: run the tests with `make test`, or set it to a Python with h5py")
    }
    let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Reference")
    return try run(python, [scripts.appendingPathComponent(script).path] + arguments, input: input)
  }
}

/// A folder that goes when the value does.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "muster-hdf5-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func file(_ name: String) -> String { path + "/" + name }

  var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The rule by which the elements of all reference datasets follow from their number.
enum Ramp {
  /// Element number `index` as the bytes of its type.
  static func bytes(_ index: Int, _ type: ElementType) -> [UInt8] {
    let k = index * 7919 % 10007
    let real = Double(k - 5003) / 8
    func of<T>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
    return switch type {
    case .float64: of(real)
    case .float32: of(Float(real))
    case .int8: of(Int8(k % 100))
    case .int16: of(Int16(k % 100))
    case .int32: of(Int32(k % 100))
    case .int64: of(k % 100)
    case .uint8: of(UInt8(k % 100))
    case .uint16: of(UInt16(k % 100))
    case .uint32: of(UInt32(k % 100))
    case .uint64: of(UInt(k % 100))
    case .bool: of(k % 3 == 0)
    case .complex128: of(Complex(real, Double(k % 100) / 4))
    case .complex64: of(Complex(Float(real), Float(k % 100) / 4))
    }
  }

  /// The bytes of a region of an array that follows the rule.
  static func region(_ shape: [Int], _ region: [Range<Int>], _ type: ElementType) -> [UInt8] {
    indices(shape, region).flatMap { bytes($0, type) }
  }

  /// A block of an array that follows the rule.
  static func block(_ shape: [Int], _ region: [Range<Int>], _ type: ElementType) -> AnyNDArray {
    let block = AnyNDArray(uninitialized: type, shape: region.map(\.count))
    block.storage.bytes.copyMemory(from: self.region(shape, region, type), byteCount: block.byteCount)
    return block
  }

  /// The row-major numbers of a region's elements.
  static func indices(_ shape: [Int], _ region: [Range<Int>]) -> [Int] {
    zip(shape, region).reduce([0]) { outer, axis in
      outer.flatMap { index in axis.1.map { index * axis.0 + $0 } }
    }
  }
}

extension SplitMix64 {
  /// A box within a shape; its axes are often whole, and sometimes empty.
  mutating func region(of shape: [Int]) -> [Range<Int>] {
    shape.map { size in
      let (a, b) = (Int.random(in: 0...size, using: &self), Int.random(in: 0...size, using: &self))
      return Int.random(in: 0..<4, using: &self) == 0 ? 0..<size : min(a, b)..<max(a, b)
    }
  }
}

/// The error that the body throws, which has to be one of Muster's with that code and all the words in its text.
func expectError(
  _ code: MusterError.Code, _ words: [String], sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("nothing was thrown, instead of \(code)", sourceLocation: sourceLocation)
  } catch let error as MusterError {
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    for word in words {
      #expect(error.description.contains(word), "\"\(word)\" isn't in: \(error)", sourceLocation: sourceLocation)
    }
  } catch {
    Issue.record("\(error) isn't a MusterError", sourceLocation: sourceLocation)
  }
}

/// What this process has open in a folder.
func openFiles(below folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0)
  }.filter { $0.hasPrefix(folder) }
}
