import ComplexModule
import Foundation
import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

@Suite("Reading HDF5")
struct HDF5ReaderTests {
  private static let names: [(ElementType, String)] = [
    (.float64, "float64"), (.float32, "float32"), (.int8, "int8"), (.int16, "int16"), (.int32, "int32"),
    (.int64, "int64"), (.uint8, "uint8"), (.uint16, "uint16"), (.uint32, "uint32"), (.uint64, "uint64"),
    (.bool, "bool"), (.complex128, "complex128"), (.complex64, "complex64"),
  ]

  private func whole(_ path: String, _ name: String) throws -> AnyNDArray {
    let info = try HDF5Reader.inspect(path: path, dataset: name)
    return try HDF5Reader.read(info, region: info.shape.map { 0..<$0 })
  }

  @Test("Every element type, in the machine's byte order and the other, chunked and not", arguments: names)
  func types(type: ElementType, name: String) throws {
    let path = try Reference.file("types.h5")
    let shape = [7, 5, 6]
    let present = Set(try HDF5Reader.datasetNames(path: path))
    var random = SplitMix64(seed: 7)
    for group in ["contiguous", "chunked", "big"] where present.contains("\(group)/\(name)") {
      let info = try HDF5Reader.inspect(path: path, dataset: "/\(group)/\(name)")
      #expect(info.elementType == type)
      #expect(info.shape == shape)
      #expect(info.name == "\(group)/\(name)")
      #expect((info.contiguousOffset != nil) == (group == "contiguous"))
      #expect(info.chunkShape == (group == "chunked" ? [3, 2, 4] : nil))
      for region in [shape.map { 0..<$0 }] + (0..<20).map({ _ in random.region(of: shape) }) {
        let block = try HDF5Reader.read(info, region: region)
        #expect(block.shape == region.map(\.count))
        #expect(block.bytes == Ramp.region(shape, region, type), "\(group) \(region)")
      }
    }
  }

  @Test("Other widths are read as the next wider type")
  func widths() throws {
    let path = try Reference.file("types.h5")
    let half = NDArray<Float>(try whole(path, "narrow/float16"))
    #expect(half.elements.count == 40 && abs(half.elements[0] + 5003.0 / 512) < 0.01)
    #expect(NDArray<UInt16>(try whole(path, "narrow/enum")).erased.bytes == Ramp.region([40], [0..<40], .uint16))
    #expect(
      NDArray<Double>(try whole(path, "narrow/longdouble")).erased.bytes == Ramp.region([40], [0..<40], .float64))
  }

  @Test(
    "Every layout, for random regions",
    arguments: [
      ("layouts.h5", "contiguous", true), ("layouts.h5", "chunked", false), ("layouts.h5", "fletcher", false),
      ("layouts.h5", "unlimited", false), ("layouts.h5", "compact", false), ("layouts.h5", "external", false),
      ("layouts.h5", "wide", true), ("userblock.h5", "contiguous", true), ("latest.h5", "contiguous", true),
      ("latest.h5", "chunked", false),
    ])
  func layouts(file: String, name: String, isContiguous: Bool) throws {
    let info = try HDF5Reader.inspect(path: try Reference.file(file), dataset: name)
    #expect((info.contiguousOffset != nil) == isContiguous)
    var random = SplitMix64(seed: 11)
    for _ in 0..<40 {
      let region = random.region(of: info.shape)
      let expected = Ramp.region(info.shape, region, info.elementType)
      #expect(try HDF5Reader.read(info, region: region).bytes == expected, "\(region)")
      // The library gives the same where the bytes could be had without it.
      var slow = info
      slow.contiguousOffset = nil
      #expect(try HDF5Reader.read(slow, region: region).bytes == expected, "\(region)")
    }
  }

  @Test("A virtual dataset shows its sources")
  func virtual() throws {
    let values = NDArray<Double>(try whole(try Reference.file("layouts.h5"), "virtual"))
    let source = NDArray<Double>(
      try HDF5Reader.read(
        try HDF5Reader.inspect(path: try Reference.file("layouts.h5"), dataset: "contiguous"),
        region: [0..<40, 0..<30, 3..<4]))
    #expect(values.elements == source.elements)
  }

  @Test("What was never written reads as the fill value")
  func fillValues() throws {
    let path = try Reference.file("layouts.h5")
    let missing = NDArray<Double>(try whole(path, "missing"))
    let corner = NDArray<Double>(Ramp.block([4, 4], [0..<4, 0..<4], .float64)).elements
    for row in 0..<12 {
      for column in 0..<12 {
        let expected = row < 4 && column < 4 ? corner[row * 4 + column] : -7.5
        #expect(missing.elements[row * 12 + column] == expected)
      }
    }
    #expect(NDArray<Int32>(try whole(path, "never")).elements == Array(repeating: 42, count: 25))
  }

  @Test("Scalars and empty datasets")
  func degenerate() throws {
    let path = try Reference.file("layouts.h5")
    let scalar = NDArray<Double>(try whole(path, "scalar"))
    #expect(scalar.shape == [] && scalar.elements == [2.5])
    #expect(try whole(path, "empty").shape == [0, 4])
  }

  @Test("Attributes come with their values, book-keeping stays out")
  func attributes() throws {
    let info = try HDF5Reader.inspect(path: try Reference.file("attributes.h5"), dataset: "data")
    #expect(
      info.attributes == [
        "units": "K", "città": "Zürich", "fixed": "abc", "names": .strings(["one", "two, three", ""]),
        "fixed names": .strings(["a", "bcd"]), "integer": -3, "unsigned": .double(0x1p63 + 0x1p40),
        "integers": .ints([1, 2, 3]), "float": .float(0.1), "double": 0.1, "doubles": .doubles([0.5]),
        "none": .doubles([]),
      ])
    #expect(info.attributes["doubles"]?.doubleValue == 0.5)
    #expect(info.attributes["fixed"]?.stringValue == "abc")
  }

  @Test("Dimension scales name the axes")
  func dimensions() throws {
    let path = try Reference.file("attributes.h5")
    let info = try HDF5Reader.inspect(path: path, dataset: "data")
    #expect(
      info.dimensions == [
        HDF5Dimension(name: "time", scale: "axes/time"), HDF5Dimension(name: "place", scale: "axes/place"),
        HDF5Dimension(name: "part"),
      ])
    let time = try HDF5Reader.inspect(path: path, dataset: "axes/time")
    #expect(time.dimensions == [HDF5Dimension(name: "time", scale: "axes/time")])
    #expect(try HDF5Reader.datasetNames(path: path) == ["axes/place", "axes/time", "data"])
  }

  @Test("A description survives its way to another process")
  func coding() throws {
    let info = try HDF5Reader.inspect(path: try Reference.file("attributes.h5"), dataset: "data")
    #expect(try JSONDecoder().decode(HDF5DatasetInfo.self, from: try JSONEncoder().encode(info)) == info)
  }

  @Test("Threads that read at once get what one gets")
  func threads() async throws {
    let infos = try [("layouts.h5", "contiguous"), ("layouts.h5", "chunked"), ("latest.h5", "chunked")].map {
      try HDF5Reader.inspect(path: try Reference.file($0), dataset: $1)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for thread in 0..<8 {
        group.addTask {
          var random = SplitMix64(seed: UInt64(thread))
          for turn in 0..<60 {
            let info = infos[(thread + turn) % infos.count]
            let region = random.region(of: info.shape)
            let block = try HDF5Reader.read(info, region: region)
            #expect(block.bytes == Ramp.region(info.shape, region, info.elementType))
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("More files than stay open are read all the same")
  func manyFiles() throws {
    let folder = try TemporaryFolder()
    let infos = try (0..<50).map { number in
      let path = folder.file("\(number).h5")
      try FileManager.default.copyItem(atPath: try Reference.file("latest.h5"), toPath: path)
      return try HDF5Reader.inspect(path: path, dataset: number.isMultiple(of: 2) ? "chunked" : "contiguous")
    }
    for _ in 0..<2 {
      for info in infos {
        #expect(
          try HDF5Reader.read(info, region: [3..<9, 2..<19]).bytes
            == Ramp.region([30, 20], [3..<9, 2..<19], .float64))
      }
    }
    #expect(try openFiles(below: folder.path).count <= 48)
  }

  @Test("A file that was rewritten is seen anew, and its old description refused")
  func rewritten() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("data.h5")
    for name in ["chunked", "contiguous"] {
      try Data(contentsOf: URL(fileURLWithPath: try Reference.file("latest.h5"))).write(to: URL(fileURLWithPath: path))
      let old = try HDF5Reader.inspect(path: path, dataset: name)
      _ = try HDF5Reader.read(old, region: [0..<1, 0..<1])
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: Data(contentsOf: URL(fileURLWithPath: try Reference.file("layouts.h5"))))
      try handle.close()
      expectError(.inputOutput, [path, "changed"]) { _ = try HDF5Reader.read(old, region: [0..<1, 0..<1]) }
      #expect(try HDF5Reader.inspect(path: path, dataset: name).shape == [40, 30, 20])
      #expect(try whole(path, name).bytes == Ramp.region([40, 30, 20], [0..<40, 0..<30, 0..<20], .float64))
    }
  }

  @Test("A file that another program has locked is read all the same")
  func locked() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("locked.h5")
    try FileManager.default.copyItem(atPath: try Reference.file("latest.h5"), toPath: path)
    let descriptor = open(path, O_RDWR)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    #expect(try whole(path, "chunked").bytes == Ramp.region([30, 20], [0..<30, 0..<20], .float64))
  }
}
