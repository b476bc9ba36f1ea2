import Foundation
import MusterArrays
import MusterRuntime
import Testing

@Suite("Writing HDF5")
struct HDF5WriterTests {
  private static let dtypes: [ElementType: String] = [
    .float64: "<f8", .float32: "<f4", .int8: "i1", .int16: "<i2", .int32: "<i4", .int64: "<i8", .uint8: "u1",
    .uint16: "<u2", .uint32: "<u4", .uint64: "<u8", .bool: "?", .complex128: "<c16", .complex64: "<c8",
  ]

  private static let description = HDF5FileDescription(
    attributes: [
      HDF5NamedAttribute("title", "Ein Titel, größer"), HDF5NamedAttribute("levels", .ints([1, 2, 3])),
    ],
    datasets: [
      HDF5DatasetDescription(
        name: "time", shape: [30], elementType: .float64, attributes: [HDF5NamedAttribute("units", "days")],
        isDimensionScale: true),
      HDF5DatasetDescription(name: "axes/place", shape: [40], elementType: .float64, isDimensionScale: true),
      HDF5DatasetDescription(
        name: "field", shape: [30, 40, 7], elementType: .float32,
        attributes: [
          HDF5NamedAttribute("units", "K"), HDF5NamedAttribute("scale", 0.5), HDF5NamedAttribute("count", 7),
          HDF5NamedAttribute("names", .strings(["a", "", "ü"])), HDF5NamedAttribute("doubles", .doubles([1, 2])),
          HDF5NamedAttribute("float", .float(0.25)), HDF5NamedAttribute("none", .ints([])),
        ], dimensions: ["time", "/axes/place", nil]),
      HDF5DatasetDescription(name: "scalar", shape: [], elementType: .float64),
      HDF5DatasetDescription(name: "empty", shape: [0, 5], elementType: .int32),
    ]
      + ElementType.allCases.map {
        HDF5DatasetDescription(name: "types/\($0.rawValue)", shape: [11, 5], elementType: $0)
      })

  /// Cuts a shape into blocks, unevenly.
  private static func blocks(_ shape: [Int]) -> [[Range<Int>]] {
    shape.reduce([[]]) { outer, size in
      let cuts = [0, size / 3, size / 3 + size / 4, size]
      return outer.flatMap { block in zip(cuts, cuts.dropFirst()).map { block + [$0..<$1] } }
    }
  }

  /// Writes all datasets by the rule, some blocks through one copy of the target and some through another.
  private static func fill(_ target: HDF5WriteTarget) throws {
    let other = try JSONDecoder().decode(HDF5WriteTarget.self, from: try JSONEncoder().encode(target))
    for (number, dataset) in target.datasets.enumerated() {
      for (turn, region) in blocks(dataset.shape).enumerated() {
        let block = Ramp.block(dataset.shape, region, dataset.elementType)
        try (turn.isMultiple(of: 2) ? target : other).write(
          block, dataset: number, origin: region.map(\.lowerBound))
      }
    }
    try target.finish()
    try other.finish()
  }

  private static func write(_ path: String) throws {
    let target = try HDF5WriteTarget.create(path: path, description)
    try fill(target)
    try target.commit()
  }

  @Test("h5py reads what was written: elements, attributes and dimension scales")
  func readByH5py() throws {
    let folder = try TemporaryFolder()
    try Self.write(folder.file("out.h5"))
    #expect(folder.names == ["out.h5"])
    let attributes: [String: [String: Any]] = [
      "time": ["units": "days"],
      "field": [
        "units": "K", "scale": 0.5, "count": 7, "names": ["a", "", "ü"], "doubles": [1.0, 2.0], "float": 0.25,
        "none": [] as [Int],
      ],
    ]
    let expected: [String: Any] = [
      "attributes": ["title": "Ein Titel, größer", "levels": [1, 2, 3]],
      "datasets": Self.description.datasets.map { dataset -> [String: Any] in
        [
          "name": dataset.name, "shape": dataset.shape, "dtype": Self.dtypes[dataset.elementType] ?? "",
          "rule": true, "attributes": attributes[dataset.name] ?? [:],
          "dimensions": dataset.name == "field" ? ["time", "axes/place", NSNull()] as [Any] : [],
        ]
      },
    ]
    let result = try Reference.python(
      "check_hdf5.py", [folder.file("out.h5")], input: try JSONSerialization.data(withJSONObject: expected))
    #expect(result.status == 0, "\(result.output)")
    // The comparison must be able to fail.
    var wrong = expected
    wrong["attributes"] = ["title": "another"]
    let refused = try Reference.python(
      "check_hdf5.py", [folder.file("out.h5")], input: try JSONSerialization.data(withJSONObject: wrong))
    #expect(refused.status == 1 && refused.output.contains("title"), "\(refused.output)")
  }

  @Test("h5dump reads what was written")
  func readByH5dump() throws {
    let folder = try TemporaryFolder()
    try Self.write(folder.file("out.h5"))
    let result = try Reference.run("h5dump", ["-H", folder.file("out.h5")])
    #expect(result.status == 0)
    for words in ["DATASET \"field\"", "SIMPLE { ( 30, 40, 7 ) / ( 30, 40, 7 ) }", "H5T_IEEE_F32LE", "DIMENSION_LIST"] {
      #expect(result.output.contains(words), "\(words)")
    }
  }

  @Test("It reads its own files, without the library where elements lie in one piece")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.h5")
    try Self.write(path)
    #expect(try HDF5Reader.datasetNames(path: path) == Self.description.datasets.map(\.name).sorted())
    for dataset in Self.description.datasets {
      let info = try HDF5Reader.inspect(path: path, dataset: dataset.name)
      #expect(info.shape == dataset.shape && info.elementType == dataset.elementType)
      #expect((info.contiguousOffset != nil) == !dataset.shape.contains(0), "\(dataset.name)")
      let region = dataset.shape.map { 0..<$0 }
      #expect(
        try HDF5Reader.read(info, region: region).bytes == Ramp.region(dataset.shape, region, dataset.elementType))
    }
    let field = try HDF5Reader.inspect(path: path, dataset: "field")
    #expect(field.dimensions.map(\.scale) == ["time", "axes/place", nil])
    #expect(field.dimensions.map(\.name) == ["time", "place", nil])
    #expect(
      field.attributes
        == Dictionary(uniqueKeysWithValues: Self.description.datasets[2].attributes.map { ($0.name, $0.value) }))
  }

  @Test("Two writes of the same are the same, byte for byte, in whatever order blocks come")
  func sameBytes() async throws {
    let folder = try TemporaryFolder()
    try Self.write(folder.file("a.h5"))
    try await Task.sleep(for: .milliseconds(1100))
    let target = try HDF5WriteTarget.create(path: folder.file("b.h5"), Self.description)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, dataset) in target.datasets.enumerated().reversed() {
        for region in Self.blocks(dataset.shape).reversed() {
          group.addTask {
            try target.write(
              Ramp.block(dataset.shape, region, dataset.elementType), dataset: number,
              origin: region.map(\.lowerBound))
          }
        }
      }
      try await group.waitForAll()
    }
    try target.finish()
    try target.commit()
    let (a, b) = try (
      Data(contentsOf: URL(fileURLWithPath: folder.file("a.h5"))),
      Data(contentsOf: URL(fileURLWithPath: folder.file("b.h5")))
    )
    #expect(a == b)
  }

  @Test("Under the final name there is the old file until the new one is whole, and the old one after abandoning")
  func atomic() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.h5")
    func value() throws -> [Double] {
      let info = try HDF5Reader.inspect(path: path, dataset: "x")
      return NDArray<Double>(try HDF5Reader.read(info, region: [0..<2])).elements
    }
    func begin(_ values: [Double]) throws -> HDF5WriteTarget {
      let target = try HDF5WriteTarget.create(
        path: path,
        HDF5FileDescription(datasets: [HDF5DatasetDescription(name: "x", shape: [2], elementType: .float64)]))
      try target.write(NDArray(values).erased, dataset: 0, origin: [0])
      try target.finish()
      return target
    }
    let first = try begin([1, 2])
    #expect(folder.names.count == 1 && folder.names[0].hasPrefix("out.h5.") && folder.names[0].hasSuffix(".partial"))
    first.abandon()
    #expect(folder.names == [])
    try begin([3, 4]).commit()
    #expect(try value() == [3, 4])
    let old = try HDF5Reader.inspect(path: path, dataset: "x")
    let second = try begin([5, 6])
    #expect(try value() == [3, 4])
    #expect(NDArray<Double>(try HDF5Reader.read(old, region: [0..<2])).elements == [3, 4])
    try second.commit()
    #expect(folder.names == ["out.h5"])
    #expect(try value() == [5, 6])
    let third = try begin([7, 8])
    third.abandon()
    #expect(folder.names == ["out.h5"])
    #expect(try value() == [5, 6])
  }

  @Test("A partial file that a killed job left is removed; those of other files, and what isn't one, stay")
  func leftOver() throws {
    let folder = try TemporaryFolder()
    let killed = try HDF5WriteTarget.create(path: folder.file("out.h5"), Self.description)
    let running = try HDF5WriteTarget.create(path: folder.file("other.h5"), Self.description)
    let names = ["out.h5.mine.partial", "out.h5.partial"]
    for name in names { try Data([1]).write(to: URL(fileURLWithPath: folder.file(name))) }
    #expect(folder.names.count == 4)
    try Self.write(folder.file("out.h5"))
    #expect(!FileManager.default.fileExists(atPath: killed.partialPath))
    try Self.fill(running)
    try running.commit()
    #expect(folder.names == ["other.h5", "out.h5"] + names)
    #expect(FileManager.default.contentsEqual(atPath: folder.file("out.h5"), andPath: folder.file("other.h5")))
  }

  @Test("A file keeps its mode when it is replaced, and what is written isn't open to others before")
  func mode() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.h5")
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    try Self.write(path)
    try Data().write(to: URL(fileURLWithPath: folder.file("words")))
    #expect(try mode(path) == mode(folder.file("words")))
    for permissions in [0o600, 0o664, 0o444] {
      try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: path)
      let target = try HDF5WriteTarget.create(path: path, Self.description)
      #expect(try mode(target.partialPath) == 0o600)
      try Self.fill(target)
      try target.commit()
      #expect(try mode(path) == permissions)
    }
  }

  @Test("A folder that can't be synced doesn't undo a write that has its name")
  func unreadableFolder() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.setAttributes([.posixPermissions: 0o333], ofItemAtPath: folder.path)
    asOrdinaryUser {
      #expect(throws: Never.self) { try Self.write(folder.file("out.h5")) }
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    #expect(folder.names == ["out.h5"])
  }

  @Test("Writing to a symbolic link replaces what it points to")
  func link() throws {
    let folder = try TemporaryFolder()
    try Self.write(folder.file("real.h5"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link.h5"), withDestinationPath: folder.file("real.h5"))
    let target = try HDF5WriteTarget.create(
      path: folder.file("link.h5"),
      HDF5FileDescription(datasets: [HDF5DatasetDescription(name: "x", shape: [], elementType: .int64)]))
    try target.write(NDArray([5], shape: []).erased, dataset: 0, origin: [])
    try target.finish()
    try target.commit()
    #expect(try HDF5Reader.datasetNames(path: folder.file("real.h5")) == ["x"])
    #expect(folder.names == ["link.h5", "real.h5"])
  }

  @Test("A file without datasets")
  func empty() throws {
    let folder = try TemporaryFolder()
    let target = try HDF5WriteTarget.create(path: folder.file("none.h5"), HDF5FileDescription(datasets: []))
    try target.commit()
    #expect(try HDF5Reader.datasetNames(path: folder.file("none.h5")) == [])
  }
}
