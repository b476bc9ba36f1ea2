import Foundation
import MusterArrays
import MusterRuntime
import Testing

@Suite("Errors of reading HDF5")
struct HDF5ReaderErrorTests {
  private func inspect(_ path: String, _ dataset: String = "x") throws {
    _ = try HDF5Reader.inspect(path: path, dataset: dataset)
  }

  @Test("A file that isn't there")
  func missingFile() {
    expectError(.fileNotFound, ["\"no/such.h5\""]) { try inspect("no/such.h5") }
  }

  @Test("A folder in place of a file")
  func folder() throws {
    let folder = try TemporaryFolder()
    expectError(.inputOutput, [folder.path, "folder"]) { try inspect(folder.path) }
  }

  @Test("A device in place of a file")
  func device() {
    expectError(.notHDF5, ["/dev/null"]) { try inspect("/dev/null") }
  }

  @Test("A file without permission to read it")
  func permission() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("secret.h5")
    try FileManager.default.copyItem(atPath: try Reference.file("layouts.h5"), toPath: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o000], ofItemAtPath: path)
    asOrdinaryUser { expectError(.permissionDenied, [path]) { try inspect(path) } }
  }

  @Test("Files of other formats are told apart")
  func otherFormats() throws {
    let classic = try Reference.file("classic.nc")
    expectError(.notHDF5, [classic, "NetCDF", "nccopy -k nc4"]) { try inspect(classic) }
    let text = try Reference.file("text.h5")
    expectError(.notHDF5, [text, "signature"]) { try inspect(text) }
    let nothing = try Reference.file("nothing.h5")
    expectError(.notHDF5, [nothing, "0 bytes"]) { try inspect(nothing) }
  }

  @Test("A truncated file says how long it is and how long it should be")
  func truncated() throws {
    let path = try Reference.file("truncated.h5")
    func size(_ path: String) throws -> Int {
      try Data(contentsOf: URL(fileURLWithPath: path)).count
    }
    let sizes = [try size(path), try size(try Reference.file("layouts.h5"))].map(String.init)
    expectError(.damagedFile, [path, "truncated"] + sizes) { try inspect(path) }
    expectError(.damagedFile, [path]) { _ = try HDF5Reader.datasetNames(path: path) }
    expectError(.damagedFile, ["20 bytes"]) { try inspect(try Reference.file("stub.h5")) }
  }

  @Test("A file damaged behind its superblock")
  func damaged() throws {
    let path = try Reference.file("damaged.h5")
    expectError(.damagedFile, [path, "the HDF5 library says"]) { try inspect(path, "contiguous") }
  }

  @Test("A file that is cut off after it was inspected")
  func cutOffLater() throws {
    let folder = try TemporaryFolder()
    for name in ["contiguous", "chunked"] {
      let path = folder.file(name)
      try FileManager.default.copyItem(atPath: try Reference.file("layouts.h5"), toPath: path)
      let info = try HDF5Reader.inspect(path: path, dataset: name)
      truncate(path, 5000)
      expectError(.damagedFile, [path, "truncated", "5000"]) {
        _ = try HDF5Reader.read(info, region: [0..<40, 0..<30, 0..<20])
      }
    }
  }

  @Test("A chunk whose checksum is wrong")
  func damagedChunk() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("fletcher.h5")
    // The raw chunk is found by its bytes: the first row of the dataset.
    var data = try Data(contentsOf: URL(fileURLWithPath: try Reference.file("layouts.h5")))
    let row = Data(Ramp.region([40, 30], [0..<1, 0..<13], .int32))
    var found = data.startIndex
    while let match = data[found...].range(of: row) {
      data[match.lowerBound] ^= 1
      found = match.upperBound
    }
    #expect(found > data.startIndex)
    try data.write(to: URL(fileURLWithPath: path))
    let info = try HDF5Reader.inspect(path: path, dataset: "fletcher")
    expectError(.damagedFile, [path, "fletcher", "the HDF5 library says"]) {
      _ = try HDF5Reader.read(info, region: [0..<4, 0..<4])
    }
  }

  @Test("A dataset that isn't there: the message lists those that are, sorted")
  func missingDataset() throws {
    let path = try Reference.file("attributes.h5")
    for name in ["nope", "data/inner", "axes/nope", "axes/time/x"] {
      expectError(.datasetNotFound, [path, name, "axes/place, axes/time, data"]) { try inspect(path, name) }
    }
  }

  @Test("A group in place of a dataset")
  func group() throws {
    let path = try Reference.file("attributes.h5")
    expectError(.datasetNotFound, ["\"axes\"", path, "group", "place, time"]) { try inspect(path, "axes") }
    expectError(.datasetNotFound, ["group", "axes/place, axes/time, data"]) { try inspect(path, "/") }
  }

  @Test(
    "Elements that arrays can't hold",
    arguments: [
      ("string", "strings"), ("fixed", "strings"), ("ragged", "variable length"), ("record", "compounds (of a, b)"),
      ("opaque", "opaque"), ("array", "compounds (of r, i)"), ("null", "no shape"),
    ])
  func strangeTypes(name: String, word: String) throws {
    let path = try Reference.file("strange.h5")
    expectError(.unsupported, [path, "\"\(name)\"", word]) { try inspect(path, name) }
  }

  @Test("A link to nowhere")
  func dangling() throws {
    expectError(.damagedFile, ["dangling", "link"]) { try inspect(try Reference.file("strange.h5"), "dangling") }
  }

  @Test("Elements asked for as another type: both are named")
  func wrongType() throws {
    let path = try Reference.file("attributes.h5")
    let info = try HDF5Reader.inspect(path: path, dataset: "data")
    expectError(.elementTypeMismatch, [path, "\"data\"", "Float", "Double"]) {
      throw info.elementTypeMismatch(requested: .float64)
    }
  }

  @Test("A region beyond the dataset")
  func beyond() throws {
    let info = try HDF5Reader.inspect(path: try Reference.file("layouts.h5"), dataset: "contiguous")
    for region in [[0..<41, 0..<1, 0..<1], [0..<1, 0..<1], [-1..<1, 0..<1, 0..<1]] {
      expectError(.indexOutOfRange, ["[40, 30, 20]"]) { _ = try HDF5Reader.read(info, region: region) }
    }
  }
}

/// Runs the body without root's power over files: the system's checks go by this thread's own user for files.
func asOrdinaryUser(_ body: () -> Void) {
  guard geteuid() == 0 else { return body() }
  // The C library has it, in a header that Swift's module of the C library leaves out.
  typealias SetUser = @convention(c) (UInt32) -> Int32
  guard let symbol = dlsym(nil, "setfsuid") else {
    Issue.record("the C library has no setfsuid: these tests need another user than root")
    return
  }
  let setUser = unsafeBitCast(symbol, to: SetUser.self)
  _ = setUser(65534)
  body()
  _ = setUser(0)
}
