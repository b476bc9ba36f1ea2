import Foundation
import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

/// Compressed datasets, as one process writes them: what h5py finds in the file, and where its chunks are.
@Suite("Writing compressed HDF5")
struct HDF5CompressedTests {
  private struct Case {
    var name: String
    var shape: [Int]
    var elementType: ElementType
    var compression: HDF5Compression
    /// The chunks that follow.
    var chunkShape: [Int]
  }

  /// Chunks that don't come out even, levels, and each type of element, whose size is what shuffling goes by.
  private static let cases: [Case] =
    [
      Case(
        name: "field", shape: [30, 40, 7], elementType: .float32,
        compression: .deflate(level: 9, chunkShape: [8, 16, 7]), chunkShape: [8, 16, 7]),
      Case(
        name: "unshuffled", shape: [50, 9], elementType: .float64,
        compression: .deflate(shuffle: false, chunkShape: [7, 4]), chunkShape: [7, 4]),
      // Not smaller than it was: stored as it is.
      Case(
        name: "group/stored", shape: [33, 5], elementType: .int32,
        compression: .deflate(level: 0, chunkShape: [10, 5]),
        chunkShape: [10, 5]),
      Case(
        name: "stored unshuffled", shape: [33], elementType: .int64,
        compression: .deflate(level: 0, shuffle: false, chunkShape: [33]), chunkShape: [33]),
      Case(name: "line", shape: [1], elementType: .float64, compression: .deflate, chunkShape: [1]),
      // Large enough to be cut, along both axes in turn.
      Case(name: "large", shape: [701, 400], elementType: .float64, compression: .deflate, chunkShape: [351, 200]),
    ]
    + ElementType.allCases.map {
      Case(
        name: "types/\($0.rawValue)", shape: [11, 5], elementType: $0, compression: .deflate(chunkShape: [4, 3]),
        chunkShape: [4, 3])
    }

  private static let dtypes: [ElementType: String] = [
    .float64: "<f8", .float32: "<f4", .int8: "i1", .int16: "<i2", .int32: "<i4", .int64: "<i8", .uint8: "u1",
    .uint16: "<u2", .uint32: "<u4", .uint64: "<u8", .bool: "?", .complex128: "<c16", .complex64: "<c8",
  ]

  private static func description() throws -> HDF5FileDescription {
    HDF5FileDescription(
      attributes: [HDF5NamedAttribute("title", "compressed")],
      datasets: [
        HDF5DatasetDescription(name: "time", shape: [30], elementType: .float64, isDimensionScale: true)
      ]
        + (try cases.map {
          HDF5DatasetDescription(
            name: $0.name, shape: $0.shape, elementType: $0.elementType,
            attributes: [HDF5NamedAttribute("units", "K"), HDF5NamedAttribute("names", .strings(["a", "", "ü"]))],
            dimensions: $0.name == "field" ? ["time", nil, nil] : [],
            storage: try HDF5ChunkedStorage($0.compression, shape: $0.shape, elementType: $0.elementType, name: $0.name)
          )
        })
        + [HDF5DatasetDescription(name: "plain", shape: [30, 40], elementType: .int16)])
  }

  /// A shape in blocks of whole chunks, the last ones smaller.
  private static func blocks(_ shape: [Int], _ chunkShape: [Int]) -> [[Range<Int>]] {
    zip(shape, chunkShape).reduce([[]]) { outer, axis in
      let cuts = Array(stride(from: 0, to: axis.0, by: 2 * axis.1)) + [axis.0]
      return outer.flatMap { block in zip(cuts, cuts.dropFirst()).map { block + [$0..<$1] } }
    }
  }

  /// Writes all datasets by the rule, blocks in an order that the seed says.
  private static func write(_ path: String, seed: UInt64) throws {
    let description = try description()
    let target = try HDF5WriteTarget.create(path: path, description)
    var random = SplitMix64(seed: seed)
    var copies: [[HDF5WriteTarget.Copy?]] = []
    var spooled: [[(numbers: [Int], chunks: SpooledChunks)]] = description.datasets.map { _ in [] }
    for (index, dataset) in description.datasets.enumerated() {
      let regions = dataset.storage.map { blocks(dataset.shape, $0.chunkShape) } ?? [dataset.shape.map { 0..<$0 }]
      for region in regions.shuffled(using: &random) {
        let block = Ramp.block(dataset.shape, region, dataset.elementType)
        let origin = region.map(\.lowerBound)
        guard let storage = dataset.storage else {
          try target.write(block, dataset: index, origin: origin)
          continue
        }
        let chunks = try target.compress(block, dataset: index, origin: origin)
        #expect(SpooledChunks(bytes: chunks.bytes) == chunks)
        spooled[index].append((storage.chunks(from: origin, of: block.shape, in: dataset.shape), chunks))
      }
    }
    var sizes: [[Int]] = []
    for (dataset, blocks) in zip(description.datasets, spooled) {
      let count = dataset.storage?.counts(of: dataset.shape).reduce(1, *) ?? 0
      var places = [Int](repeating: 0, count: count)
      for block in blocks {
        for (number, place) in zip(block.numbers, block.chunks.places) { places[number] = place.byteCount }
      }
      sizes.append(places)
    }
    // Again and again it is the same: a run that was killed meanwhile has it done once more.
    _ = try target.layOut(description, chunkSizes: sizes, lasting: true)
    let places = try target.layOut(description, chunkSizes: sizes, lasting: false)
    for (blocks, offsets) in zip(spooled, places.offsets) {
      copies.append(
        blocks.flatMap { block in
          zip(block.numbers, block.chunks.places).map {
            HDF5WriteTarget.Copy($1, of: block.chunks, to: offsets[$0])
          }
        })
    }
    try target.copy(copies.joined().compactMap { $0 }.shuffled(using: &random))
    try target.finish()
    try target.commit()
  }

  @Test("h5py reads what was compressed, and finds it stored as asked for")
  func readByH5py() throws {
    let folder = try TemporaryFolder()
    try Self.write(folder.file("out.h5"), seed: 1)
    #expect(folder.names == ["out.h5"])
    let compressed: [[String: Any]] = Self.cases.map { item in
      [
        "name": item.name, "shape": item.shape, "dtype": Self.dtypes[item.elementType] ?? "", "rule": true,
        "attributes": ["units": "K", "names": ["a", "", "ü"]] as [String: Any],
        "dimensions": item.name == "field" ? ["time", NSNull(), NSNull()] as [Any] : [],
        "chunks": item.chunkShape, "level": item.compression.level, "shuffle": item.compression.shuffle,
      ]
    }
    let plain: [[String: Any]] = [("time", [30], "<f8"), ("plain", [30, 40], "<i2")].map { (name, shape: [Int], type) in
      [
        "name": name, "shape": shape, "dtype": type, "rule": true, "attributes": [:] as [String: Any],
        "dimensions": [] as [Any],
      ]
    }
    func check(_ datasets: [[String: Any]]) throws -> (status: Int32, output: String) {
      try Reference.python(
        "check_hdf5.py", [folder.file("out.h5")],
        input: try JSONSerialization.data(
          withJSONObject: ["attributes": ["title": "compressed"], "datasets": datasets]))
    }
    let result = try check(compressed + plain)
    #expect(result.status == 0, "\(result.output)")
    // The comparison must be able to fail.
    var wrong = compressed
    wrong[0]["level"] = 4
    let refused = try check(wrong + plain)
    #expect(refused.status == 1 && refused.output.contains("field is stored as gzip"), "\(refused.output)")
  }

  @Test("It reads its own files, and h5dump agrees with how much is in them")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out.h5")
    try Self.write(path, seed: 2)
    for item in Self.cases {
      let info = try HDF5Reader.inspect(path: path, dataset: item.name)
      #expect(info.chunkShape == item.chunkShape && info.contiguousOffset == nil)
      let region = item.shape.map { 0..<$0 }
      #expect(
        try HDF5Reader.read(info, region: region).bytes == Ramp.region(item.shape, region, item.elementType),
        "\(item.name)")
    }
    let dump = try Reference.run("h5dump", ["-H", "-p", "-d", "large", path])
    #expect(dump.status == 0 && dump.output.contains("COMPRESSION DEFLATE { LEVEL 4 }"), "\(dump.output)")
    let ratio = try #require(dump.output.firstMatch(of: /([\d.]+):1 COMPRESSION/), "\(dump.output)")
    #expect(Double(ratio.1)! > 3, "\(dump.output)")
  }

  @Test("The same is the same, byte for byte, in whatever order blocks come")
  func sameBytes() throws {
    let folder = try TemporaryFolder()
    try Self.write(folder.file("a.h5"), seed: 3)
    try Self.write(folder.file("b.h5"), seed: 4)
    let files = try ["a.h5", "b.h5"].map { try Data(contentsOf: URL(fileURLWithPath: folder.file($0))) }
    #expect(files[0] == files[1])
    // No more than elements and what a file is made of.
    #expect(files[0].count < 1_000_000, "\(files[0].count)")
  }

  @Test("What was compressed of a file that isn't wanted goes with it")
  func abandoned() throws {
    let folder = try TemporaryFolder()
    let description = try Self.description()
    let target = try HDF5WriteTarget.create(path: folder.file("out.h5"), description)
    let block = Ramp.block([50, 9], [0..<50, 0..<9], .float64)
    let chunks = try target.compress(block, dataset: 2, origin: [0, 0])
    #expect(folder.names.count == 2 && folder.names.allSatisfy { $0.hasSuffix(".partial") }, "\(folder.names)")
    #expect(target.isThere(with: [chunks]))
    let spool = try #require(folder.names.first { $0.contains("-") })
    try FileManager.default.removeItem(atPath: folder.file(spool))
    #expect(target.isThere() && !target.isThere(with: [chunks]))
    expectError(.inputOutput, ["out.h5", "another program writes the same file"]) {
      try target.copy([HDF5WriteTarget.Copy(chunks.places[0], of: chunks, to: 0)])
    }
    target.abandon()
    #expect(folder.names.isEmpty, "\(folder.names)")
    // What a killed job has left goes when the file is written the next time.
    let killed = try HDF5WriteTarget.create(path: folder.file("out.h5"), description)
    _ = try killed.compress(block, dataset: 2, origin: [0, 0])
    try Self.write(folder.file("out.h5"), seed: 5)
    #expect(folder.names == ["out.h5"], "\(folder.names)")
  }

  @Test(
    "A full disk is an error while compressing, and while the file is put together", .enabled(if: SmallDisk.isPossible))
  func fullDisk() throws {
    let disk = try SmallDisk()
    let shape = [75 << 10]
    let description = HDF5FileDescription(datasets: [
      HDF5DatasetDescription(
        name: "x", shape: shape, elementType: .float64,
        storage: try HDF5ChunkedStorage(.deflate(level: 0), shape: shape, elementType: .float64, name: "x"))
    ])
    // 600 KiB that don't get smaller: there is room for them once, not twice.
    let path = disk.folder.file("x.h5")
    let target = try HDF5WriteTarget.create(path: path, description)
    let block = Ramp.block(shape, [0..<shape[0]], .float64)
    let chunks = try target.compress(block, dataset: 0, origin: [0])
    expectError(.diskFull, [path]) {
      _ = try target.layOut(description, chunkSizes: [chunks.places.map(\.byteCount)], lasting: false)
    }
    expectError(.diskFull, [path]) { _ = try target.compress(block, dataset: 0, origin: [0]) }
    target.abandon()
    #expect(disk.folder.names == [])
    #expect(try openFiles(below: disk.folder.path) == [])
  }

  @Test("A block that isn't a whole number of chunks is refused")
  func wrongBlocks() throws {
    let folder = try TemporaryFolder()
    let target = try HDF5WriteTarget.create(path: folder.file("out.h5"), try Self.description())
    // The second dataset, of shape 30 × 40 × 7 in chunks of 8 × 16 × 7.
    for region in [[0..<8, 8..<16, 0..<7], [4..<8, 0..<16, 0..<7], [0..<10, 0..<16, 0..<7], [0..<8, 0..<16, 0..<6]] {
      expectError(.shapeMismatch, ["out.h5", "isn't a whole number of chunks of \"field\""]) {
        _ = try target.compress(
          Ramp.block([30, 40, 7], region, .float32), dataset: 1, origin: region.map(\.lowerBound))
      }
    }
    let end = try target.compress(
      Ramp.block([30, 40, 7], [24..<30, 32..<40, 0..<7], .float32), dataset: 1, origin: [24, 32, 0])
    #expect(end.places.count == 1)
    target.abandon()
  }

  @Test("Chunks are parts of the array's chunks, of at most a mebibyte where that's possible")
  func chosenChunks() throws {
    func chosen(_ shape: [Int], _ sizes: [[Int]]?, _ type: ElementType = .float64) throws -> [Int] {
      try HDF5ChunkedStorage(.deflate, shape: shape, elementType: type, dividing: sizes, name: "x").chunkShape
    }
    #expect(try chosen([10, 20], nil) == [10, 20])
    #expect(try chosen([1000, 1000], nil) == [250, 500])
    #expect(try chosen([1024, 4096], [[256, 256, 256, 256], [4096]]) == [64, 2048])
    #expect(try chosen([3000], [[1000, 1000, 1000]]) == [1000])
    #expect(try chosen([900, 1], [[300, 200, 300, 100], [1]]) == [100, 1])
    #expect(try chosen([10, 4], [[3, 4, 3], [4]]) == [1, 4])
    // Where cuts have next to nothing in common the array is rechunked rather than cut into crumbs.
    #expect(try chosen([(1 << 21) - 1], [[(1 << 20) - 1, 1 << 20]]) == [69905])
    #expect(try chosen([3 << 20], [[(1 << 20) - 1, 1 << 20, (1 << 20) + 1]]) == [65537])
    #expect(try chosen([2999, 1000], [[1001, 1000, 998], [1000]]) == [251, 500])
    // A large prime isn't cut.
    #expect(try chosen([2 * 1_000_003], [[1_000_003, 1_000_003]]) == [1_000_003])
  }
}
