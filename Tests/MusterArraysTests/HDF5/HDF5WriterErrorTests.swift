import Foundation
import MusterArrays
import MusterRuntime
import Testing

@Suite("Errors of writing HDF5", .serialized)
struct HDF5WriterErrorTests {
  private func file(_ shape: [Int], attributes: [HDF5NamedAttribute] = []) -> HDF5FileDescription {
    HDF5FileDescription(datasets: [
      HDF5DatasetDescription(name: "x", shape: shape, elementType: .float64, attributes: attributes)
    ])
  }

  @Test("A folder that isn't there")
  func missingFolder() throws {
    let folder = try TemporaryFolder()
    expectError(.fileNotFound, [folder.file("sub/out.h5"), "no folder", "mkdir -p"]) {
      _ = try HDF5WriteTarget.create(path: folder.file("sub/out.h5"), file([3]))
    }
  }

  @Test("A file in place of the folder, and a folder that takes no files")
  func uselessFolder() throws {
    let folder = try TemporaryFolder()
    try Data().write(to: URL(fileURLWithPath: folder.file("words")))
    expectError(.fileNotFound, [folder.file("words/out.h5"), "isn't a folder"]) {
      _ = try HDF5WriteTarget.create(path: folder.file("words/out.h5"), file([3]))
    }
    expectError(.permissionDenied, ["/proc/out.h5", "takes no new files"]) {
      _ = try HDF5WriteTarget.create(path: "/proc/out.h5", file([3]))
    }
  }

  @Test("A folder in which nothing may be made")
  func unwritableFolder() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder.path)
    asOrdinaryUser {
      expectError(.permissionDenied, [folder.file("out.h5")]) {
        _ = try HDF5WriteTarget.create(path: folder.file("out.h5"), file([3]))
      }
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    #expect(folder.names == [])
  }

  @Test("A partial file that this process may not write to")
  func unwritableFile() throws {
    let folder = try TemporaryFolder()
    let target = try HDF5WriteTarget.create(path: folder.file("out.h5"), file([3]))
    try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: target.partialPath)
    asOrdinaryUser {
      expectError(.permissionDenied, [folder.file("out.h5")]) {
        try target.write(NDArray([1.0, 2, 3]).erased, dataset: 0, origin: [0])
      }
    }
    target.abandon()
    #expect(folder.names == [])
  }

  @Test("A folder, or nothing, in place of a file's name")
  func notAFile() throws {
    let folder = try TemporaryFolder()
    expectError(.inputOutput, [folder.path, "folder"]) {
      _ = try HDF5WriteTarget.create(path: folder.path, file([3]))
    }
    expectError(.invalidArgument, ["\"\""]) { _ = try HDF5WriteTarget.create(path: "", file([3])) }
  }

  @Test("More than the disk has room for is refused before anything is made")
  func tooLargeForDisk() throws {
    let folder = try TemporaryFolder()
    // 8 EiB less a little: more than any disk, and not more than a number of bytes can be.
    expectError(.diskFull, [folder.file("out.h5"), "bytes"]) {
      _ = try HDF5WriteTarget.create(path: folder.file("out.h5"), file([(1 << 60) - 8]))
    }
    expectError(.invalidArgument, ["larger than any file"]) {
      _ = try HDF5WriteTarget.create(path: folder.file("out.h5"), file([1 << 40, 1 << 40]))
    }
    #expect(folder.names == [])
  }

  @Test("A disk that is full when a block is written")
  func fullOnWrite() throws {
    let folder = try TemporaryFolder()
    let target = try HDF5WriteTarget.create(path: folder.file("out.h5"), file([3]))
    // The device that answers each write as a full disk does, in place of the partial file.
    var full = target
    full.partialPath = "/dev/full"
    expectError(.diskFull, [folder.file("out.h5"), "full"]) {
      try full.write(NDArray([1.0, 2, 3]).erased, dataset: 0, origin: [0])
    }
    target.abandon()
  }

  /// A file system of one mebibyte needs root to be mounted; the tests above need nobody.
  @Test("A small disk, full: nothing is left, and what fits afterwards is written", .enabled(if: SmallDisk.isPossible))
  func smallDisk() throws {
    let disk = try SmallDisk()
    let filler = disk.folder.file("filler")
    try Data(repeating: 1, count: 600 << 10).write(to: URL(fileURLWithPath: filler))
    let path = disk.folder.file("out.h5")
    expectError(.diskFull, [path]) { _ = try HDF5WriteTarget.create(path: path, file([100 << 10])) }
    #expect(disk.folder.names == ["filler"])
    // So full that not even the structure goes in.
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: filler))
    try handle.seekToEnd()
    for _ in 0..<1024 where (try? handle.write(contentsOf: Data(repeating: 1, count: 1024))) == nil { break }
    try handle.close()
    expectError(.diskFull, [path]) { _ = try HDF5WriteTarget.create(path: path, file([])) }
    expectError(.diskFull, [path]) { _ = try HDF5WriteTarget.create(path: path, file([0])) }
    #expect(disk.folder.names == ["filler"])
    // Nor does the library hold on to the files that it couldn't write.
    #expect(try openFiles(below: disk.folder.path) == [])
    try FileManager.default.removeItem(atPath: filler)
    let target = try HDF5WriteTarget.create(path: path, file([100 << 10]))
    // The space is taken: what comes afterwards doesn't fit, and the file's own blocks still do.
    #expect(throws: (any Error).self) {
      try Data(repeating: 1, count: 600 << 10).write(to: URL(fileURLWithPath: filler))
    }
    try target.write(
      AnyNDArray(uninitialized: .float64, shape: [100 << 10]), dataset: 0, origin: [0])
    try target.finish()
    try target.commit()
    #expect(try HDF5Reader.inspect(path: path, dataset: "x").shape == [100 << 10])
  }

  @Test("A small disk on which a killed job left what it had written", .enabled(if: SmallDisk.isPossible))
  func leftOverOnASmallDisk() throws {
    let disk = try SmallDisk()
    let path = disk.folder.file("out.h5")
    _ = try HDF5WriteTarget.create(path: path, file([80 << 10]))
    let target = try HDF5WriteTarget.create(path: path, file([80 << 10]))
    try target.commit()
    #expect(disk.folder.names == ["out.h5"])
  }

  /// The second is another program as far as files go: it shares nothing with the first but the name.
  @Test("Two writers of one file: the earlier one finds out, whether it had begun to write or not")
  func twoWriters() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.h5")
    func value() throws -> [Double] {
      let info = try HDF5Reader.inspect(path: path, dataset: "x")
      return NDArray<Double>(try HDF5Reader.read(info, region: [0..<2])).elements
    }
    func write(_ values: [Double], at origin: Int, to target: HDF5WriteTarget) throws {
      try target.write(NDArray(values).erased, dataset: 0, origin: [origin])
    }
    let published = try HDF5WriteTarget.create(path: path, file([2]))
    try write([1, 2], at: 0, to: published)
    try published.finish()
    try published.commit()

    for hasBegun in [true, false] {
      let first = try HDF5WriteTarget.create(path: path, file([2]))
      if hasBegun { try write([3], at: 0, to: first) }
      let second = try HDF5WriteTarget.create(path: path, file([2]))
      try write([5], at: 0, to: second)
      if !hasBegun {
        expectError(.inputOutput, [path, "another program writes the same file"]) { try write([3], at: 0, to: first) }
      } else {
        try write([4], at: 1, to: first)
      }
      try first.finish()
      expectError(.inputOutput, [path, "another program writes the same file"]) { try first.commit() }
      first.abandon()
      #expect(try value() == (hasBegun ? [1, 2] : [5, 6]))
      try write([6], at: 1, to: second)
      try second.finish()
      try second.commit()
      #expect(try value() == [5, 6])
      #expect(folder.names == ["out.h5"])
    }
  }

  @Test("An attribute that is too large")
  func largeAttribute() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.h5")
    expectError(.unsupported, [path, "big", "dataset"]) {
      let attribute = HDF5NamedAttribute("big", .doubles(Array(repeating: 1, count: 10_000)))
      _ = try HDF5WriteTarget.create(path: path, file([3], attributes: [attribute]))
    }
    #expect(folder.names == [])
    // The largest that is let through, and a long text.
    let attributes = [
      HDF5NamedAttribute("most", .doubles(Array(repeating: 1, count: 8000))),
      HDF5NamedAttribute("text", .string(String(repeating: "long ", count: 40_000))),
    ]
    let target = try HDF5WriteTarget.create(path: path, file([3], attributes: attributes))
    try target.commit()
    let info = try HDF5Reader.inspect(path: path, dataset: "x")
    #expect(info.attributes == Dictionary(uniqueKeysWithValues: attributes.map { ($0.name, $0.value) }))
  }

  @Test("Descriptions that contradict themselves")
  func contradictions() throws {
    let folder = try TemporaryFolder()
    func dataset(_ name: String, _ shape: [Int], _ dimensions: [String?] = [], scale: Bool = false)
      -> HDF5DatasetDescription
    {
      HDF5DatasetDescription(
        name: name, shape: shape, elementType: .float64, dimensions: dimensions, isDimensionScale: scale)
    }
    let cases: [(MusterError.Code, [String], [HDF5DatasetDescription])] = [
      (.invalidArgument, ["\"x\""], [dataset("x", [1]), dataset("/x", [1])]),
      (.invalidArgument, ["name"], [dataset("/", [1])]),
      (.invalidArgument, ["\"x/y\"", "group"], [dataset("x", [1]), dataset("x/y", [1])]),
      (.invalidArgument, ["negative"], [dataset("x", [-1])]),
      (.invalidArgument, ["\"time\""], [dataset("x", [3], ["time"])]),
      (.invalidArgument, ["\"time\""], [dataset("time", [3]), dataset("x", [3], ["time"])]),
      (.shapeMismatch, ["3", "4", "\"time\""], [dataset("time", [4], scale: true), dataset("x", [3], ["time"])]),
      (.shapeMismatch, ["one axis"], [dataset("time", [4, 2], scale: true), dataset("x", [4], ["time"])]),
      (.shapeMismatch, ["axes"], [dataset("time", [3], scale: true), dataset("x", [3, 3], ["time"])]),
      (
        .invalidArgument, ["\"y\""],
        [dataset("time", [3], scale: true), dataset("y", [3], ["time"], scale: true)]
      ),
    ]
    for (code, words, datasets) in cases {
      expectError(code, words) {
        _ = try HDF5WriteTarget.create(path: folder.file("out.h5"), HDF5FileDescription(datasets: datasets))
      }
    }
    #expect(folder.names == [])
  }

  @Test("Blocks that don't fit")
  func wrongBlocks() throws {
    let folder = try TemporaryFolder()
    let target = try HDF5WriteTarget.create(path: folder.file("out.h5"), file([3, 4]))
    defer { target.abandon() }
    expectError(.elementTypeMismatch, ["Float", "Double"]) {
      try target.write(NDArray([Float(1)], shape: [1, 1]).erased, dataset: 0, origin: [0, 0])
    }
    for (shape, origin) in [([1, 4], [3, 0]), ([1, 4], [0, 1]), ([4], [0]), ([1, 1], [-1, 0]), ([1, 1], [0])] {
      expectError(.shapeMismatch, ["[3, 4]"]) {
        try target.write(AnyNDArray(uninitialized: .float64, shape: shape), dataset: 0, origin: origin)
      }
    }
  }
}

/// A file system in memory of one mebibyte, unmounted when the value goes.
final class SmallDisk {
  let folder: TemporaryFolder

  static let isPossible: Bool = geteuid() == 0 && (try? SmallDisk()) != nil

  init() throws {
    folder = try TemporaryFolder()
    let result = try Reference.run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path])
    guard result.status == 0 else { throw MissingSupport(description: "can't mount a tmpfs: \(result.output)") }
  }

  deinit { _ = try? Reference.run("umount", ["-l", folder.path]) }
}
