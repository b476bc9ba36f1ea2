import Foundation
import MusterRuntime
import MusterScheduling
import Synchronization
import Testing

/// A block with a header, a small part, and a large one that begins anywhere in its memory.
private struct BulkBlock: Block, Equatable {
  var number: Int
  var small: BlockStorage
  var large: BlockStorage
  var offset: Int

  init(number: Int, small: Int, large: Int, offset: Int = 0) {
    self.number = number
    self.offset = offset
    self.small = BlockStorage(byteCount: small)
    self.large = BlockStorage(byteCount: large + offset)
    // Something that another number, and another place, doesn't have.
    for index in 0..<small {
      self.small.bytes.storeBytes(
        of: UInt8(truncatingIfNeeded: number + 7 * index), toByteOffset: index, as: UInt8.self)
    }
    for index in 0..<large / 8 {
      self.large.bytes.storeBytes(of: number &* 1_000_003 &+ index, toByteOffset: offset + 8 * index, as: Int.self)
    }
    for index in large / 8 * 8..<large {
      self.large.bytes.storeBytes(of: UInt8(truncatingIfNeeded: index), toByteOffset: offset + index, as: UInt8.self)
    }
  }

  var byteCount: Int { small.byteCount + large.byteCount - offset }

  func encode(into encoder: inout BlockEncoder) {
    encoder.append(number)
    encoder.append(small, byteCount: small.byteCount)
    encoder.append(large, offset: offset, byteCount: large.byteCount - offset)
  }

  static func decode(from decoder: inout BlockDecoder) throws -> BulkBlock {
    var block = BulkBlock(number: try decoder.read(Int.self), small: 0, large: 0)
    block.small = try decoder.readStorage()
    block.large = try decoder.readStorage()
    return block
  }

  static func == (a: BulkBlock, b: BulkBlock) -> Bool {
    let size = a.large.byteCount - a.offset
    return a.number == b.number && a.small.byteCount == b.small.byteCount && size == b.large.byteCount - b.offset
      && memcmp(a.small.bytes, b.small.bytes, a.small.byteCount) == 0
      && memcmp(a.large.bytes + a.offset, b.large.bytes + b.offset, size) == 0
  }
}

/// A block that takes its time to be encoded.
private struct GatedBlock: Block {
  let entered = Gate()
  let mayGo = Gate()
  var byteCount: Int
  func encode(into encoder: inout BlockEncoder) {
    entered.open()
    mayGo.wait()
    encoder.append(BlockStorage(byteCount: byteCount), byteCount: byteCount)
  }
  static func decode(from decoder: inout BlockDecoder) throws -> GatedBlock {
    GatedBlock(byteCount: try decoder.readStorage().byteCount)
  }
}

private func waitUntil(_ condition: () -> Bool) -> Bool {
  for _ in 0..<6000 {
    if condition() { return true }
    usleep(10_000)
  }
  return false
}

/// On the disk of the build folder, where the page cache can be passed by, and in memory, where it can't.
private let parents = [FileManager.default.currentDirectoryPath + "/.build", "/dev/shm"]

struct SpillerTests {
  @Test(arguments: parents) func blocksComeBackAsTheyWere(_ parent: String) throws {
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": parent])
    let shapes = [
      (0, 0, 0), (1, 1, 0), (100, 64 << 10, 0), (5000, 65 << 10, 0), (3, 9_999_999, 0), (7, 1 << 20, 24),
      (0, 70_000, 8),
    ]
    let blocks = shapes.enumerated().map { BulkBlock(number: $0, small: $1.0, large: $1.1, offset: $1.2) }
    let places = try disk.places(blocks)
    for (block, place) in zip(blocks, places) { #expect(try disk.block(place, as: BulkBlock.self) == block) }
    // All in one stretch, of whole pages; the small ones in pages that they share, at the end.
    let own = places.filter { $0.bundle == nil }
    #expect(own.count == 5 && own.allSatisfy { $0.offset % 4096 == 0 && $0.byteCount % 4096 == 0 })
    for (place, next) in zip(own, own.dropFirst()) { #expect(place.offset + place.byteCount == next.offset) }
    let ownBytes = own.reduce(0) { $0 + $1.byteCount }
    #expect(places.filter { $0.bundle != nil }.map(\.offset) == [ownBytes, ownBytes + places[0].byteCount])
    #expect(disk.scratch.usedBytes == ownBytes + 4096)
  }

  /// Blocks of 1 KiB on average, of every size about a page and a bundle.
  @Test(arguments: parents) func smallBlocksShareTheirPages(_ parent: String) throws {
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": parent])
    let sizes = (0..<2000).map { $0 % 1999 } + [4000, 4096, 8192, 32_000, 32_752, 33_000, 65_536]
    let blocks = sizes.enumerated().map { BulkBlock(number: $0, small: $1, large: 0) }
    let written = SpillTraffic.counts.written
    let places = try disk.places(blocks)
    let content = sizes.reduce(0, +) + 8 * sizes.count
    #expect(SpillTraffic.counts.written - written >= content)
    // Little is empty.
    #expect(disk.scratch.usedBytes < content + content / 8, "\(disk.scratch.usedBytes) of \(content)")
    for (block, place) in zip(blocks, places).reversed() { #expect(try disk.block(place, as: BulkBlock.self) == block) }
    // Pages are there as long as one of their blocks is needed.
    let used = disk.scratch.usedBytes
    let shared = places.filter { $0.bundle == places[0].bundle }
    #expect(shared.count > 20)
    for place in shared.dropFirst() { disk.spiller.discard(place) }
    #expect(try disk.block(places[0], as: BulkBlock.self) == blocks[0])
    #expect(disk.scratch.usedBytes == used)
    disk.spiller.discard(places[0])
    #expect(waitUntil { disk.scratch.usedBytes == used - 64 << 10 })
    for place in places where place.bundle != places[0].bundle || place.bundle == nil { disk.spiller.discard(place) }
    #expect(waitUntil { disk.scratch.usedBytes == 0 })
  }

  @Test func aBlockThatIsNothingOnDiskComesBack() throws {
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": "/dev/shm"])
    let places = try disk.places([EmptyBlock(), BulkBlock(number: 1, small: 4079, large: 0), EmptyBlock()])
    for place in [places[0], places[2]] {
      guard case .loaded(_, let block) = try disk.read(place, as: EmptyBlock.self) else {
        Issue.record("it didn't come back")
        continue
      }
      #expect(block is EmptyBlock)
    }
    #expect(Set(places.map(\.offset)).count == 3)
  }

  @Test func spaceComesBackAndTheFolderGoes() throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": parent.path])
    #expect(parent.contents.isEmpty)
    let places = try disk.places((0..<4).map { BulkBlock(number: $0, small: 0, large: 4 << 20) })
    let folder = try #require(disk.scratch.path)
    let file = try #require(OpenScratch.file("\(folder)/blocks-0"))
    func blocks() -> Int {
      var status = stat()
      return stat(file, &status) == 0 ? Int(status.st_blocks) * 512 : -1
    }
    // A process that is killed leaves no bytes behind.
    #expect(access("\(folder)/blocks-0", F_OK) != 0)
    #expect(blocks() >= 16 << 20)
    disk.spiller.discard(places[1])
    disk.spiller.discard(places[2])
    #expect(waitUntil { blocks() <= 9 << 20 })
    #expect(try disk.block(places[3], as: BulkBlock.self) != nil)
    disk.spiller.discard(places[0])
    disk.spiller.discard(places[3])
    #expect(waitUntil { blocks() == 0 })
    // The file begins anew.
    #expect(try disk.places([BulkBlock(number: 9, small: 0, large: 1 << 20)])[0].offset == 0)
    var status = stat()
    #expect(stat(folder, &status) == 0 && status.st_mode & 0o777 == 0o700)
    disk.spiller.shutDown()
    #expect(parent.contents.isEmpty)
  }

  @Test func filesAreOfBoundedSizeAndGoWhenTheyAreEmpty() {
    var space = SpillSpace(fileSize: 100)
    #expect(space.reserve(60) == (0, 0) && space.reserve(40) == (0, 60))
    #expect(space.reserve(1) == (1, 0))
    // What is larger than a file has one of its own.
    #expect(space.reserve(500) == (2, 0) && space.reserve(10) == (3, 0))
    #expect(space.free(file: 0, byteCount: 60) == .punch)
    #expect(space.free(file: 0, byteCount: 40) == .remove)
    #expect(space.free(file: 2, byteCount: 500) == .remove)
    #expect(space.free(file: 3, byteCount: 10) == .truncate)
    #expect(space.reserve(5) == (3, 0) && space.usedBytes == 6)
    #expect(space.files.keys.sorted() == [1, 3])
  }

  @Test func aCutFileIsAnErrorThatNamesIt() throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": parent.path])
    let place = try disk.places([BulkBlock(number: 1, small: 10, large: 1 << 20)])[0]
    let file = "\(try #require(disk.scratch.path))/blocks-0"
    truncate(try #require(OpenScratch.file(file)), 8192)
    guard case .loadFailed(_, _, let error) = try disk.read(place, as: BulkBlock.self) else {
      Issue.record("a block came back from a file that was cut")
      return
    }
    #expect(error.code == .inputOutput && error.message.contains(file))
    #expect(error.message.contains("can't read"))
  }

  @Test(.enabled(if: canMount, canMountComment)) func aFullDiskIsAnErrorWithFigures() throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    try #require(mounted(on: parent.path, megabytes: 8))
    defer { run("umount", ["-l", parent.path]) }
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": parent.path])
    let blocks = (0..<3).map { BulkBlock(number: $0, small: 0, large: 2 << 20) }
    let places = try disk.places(blocks)
    guard case .spillFailed(_, let error) = try disk.write([BulkBlock(number: 3, small: 0, large: 3 << 20)])[0] else {
      Issue.record("9 MiB went to a disk of 8")
      return
    }
    #expect(error.code == .diskFull)
    #expect(error.message.contains("the disk is full") && error.message.contains(parent.path))
    #expect(error.message.contains("can't write") && error.message.contains(" free"))
    #expect(error.fix.contains("MUSTER_SCRATCH"))
    // What was written before is whole, and there is room again when some of it goes.
    for (block, place) in zip(blocks, places) { #expect(try disk.block(place, as: BulkBlock.self) == block) }
    disk.spiller.discard(places[0])
    disk.spiller.discard(places[1])
    #expect(waitUntil { disk.scratch.usedBytes <= 3 << 20 })
    let last = BulkBlock(number: 4, small: 0, large: 3 << 20)
    #expect(try disk.block(try disk.places([last])[0], as: BulkBlock.self) == last)
  }

  /// What waits to be given back is, before what waits to be written, and where there is no space for what is written.
  @Test(.enabled(if: canMount, canMountComment), arguments: [false, true])
  func spaceIsGivenBackBeforeTheDiskIsFull(isFullAlready: Bool) throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    try #require(mounted(on: parent.path, megabytes: 8))
    defer { run("umount", ["-l", parent.path]) }
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": parent.path])
    let places = try disk.places((0..<3).map { BulkBlock(number: $0, small: 0, large: 2 << 20) })
    // The writer is busy while the rest is ordered.
    let held = GatedBlock(byteCount: isFullAlready ? 3 << 20 : 0)
    let last = BulkBlock(number: 4, small: 0, large: isFullAlready ? 0 : 3 << 20)
    func order(_ ticket: BlockStore.Ticket, _ block: any Block) -> BlockStore.SpillOrder {
      BlockStore.SpillOrder(ticket: ticket, task: TaskID(layer: 0, index: Int(ticket)), block: block)
    }
    disk.spiller.spill([order(10, held)])
    held.entered.wait()
    disk.spiller.spill([order(11, last)])
    disk.spiller.discard(places[0])
    disk.spiller.discard(places[1])
    held.mayGo.open()
    for completion in try disk.completions(2) {
      guard case .spilled = completion else {
        Issue.record("there was room for it: \(completion)")
        continue
      }
    }
  }

  /// In a process of its own: the limit is the process's.
  @Test func aLimitOnTheSizeOfFilesIsAnErrorToo() async throws {
    await #expect(processExitsWith: .success) {
      let parent = try TemporaryScratch()
      defer { withExtendedLifetime(parent) {} }
      var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
      precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let disk = SpillerUnderTest(["MUSTER_SCRATCH": parent.path])
      guard case .spillFailed(_, let error) = try disk.write([BulkBlock(number: 0, small: 0, large: 4 << 20)])[0] else {
        preconditionFailure("4 MiB went into a file of 1")
      }
      precondition(error.code == .diskFull && error.fix.contains("ulimit -f"), "\(error)")
      disk.spiller.shutDown()
    }
  }
}

struct ScratchFolderTests {
  @Test func theFolderIsTheSettingsThenTheJobsThenTheSystems() throws {
    let folders = try (0..<3).map { _ in try TemporaryScratch() }
    defer { withExtendedLifetime(folders) {} }
    func folder(_ variables: [String: String]) throws -> String { try ScratchPlace.folder(variables) }
    let (first, second, third) = (folders[0].path, folders[1].path, folders[2].path)
    let job = ["SLURM_JOB_ID": "1", "SLURM_TMPDIR": second, "TMPDIR": third]
    #expect(try folder(job) == second)
    #expect(try folder(job.merging(["MUSTER_SCRATCH": first]) { a, _ in a }) == first)
    #expect(try folder(["SLURM_TMPDIR": second, "TMPDIR": third]) == third)
    #expect(try folder(["PBS_JOBID": "1", "PBS_JOBFS": second, "TMPDIR": third]) == second)
    #expect(try folder(["SLURM_JOB_ID": "1", "SLURM_TMPDIR": "/nowhere", "TMPDIR": third]) == third)
    #expect(try folder(["TMPDIR": "/nowhere"]) == "/tmp" && folder([:]) == "/tmp")
    // What is in memory frees none, and comes last.
    if ScratchPlace.isInMemory("/dev/shm"), !ScratchPlace.isInMemory(third) {
      #expect(try folder(["SLURM_JOB_ID": "1", "SLURM_TMPDIR": "/dev/shm", "TMPDIR": third]) == third)
      #expect(try folder(["MUSTER_SCRATCH": "/dev/shm", "TMPDIR": third]) == "/dev/shm")
    }
    let error = #expect(throws: MusterError.self) { try folder(["MUSTER_SCRATCH": "/nowhere", "TMPDIR": third]) }
    #expect(error?.code == .fileNotFound && error?.message.contains("MUSTER_SCRATCH is \"/nowhere\"") == true)
  }

  @Test func whatIsHeldStaysAndWhatIsLeftGoes() throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    let folder = try ScratchFolder(in: parent.path)
    let name = String(folder.path.dropFirst(parent.path.count + 1))
    #expect(name.hasPrefix(ScratchFolder.prefix) && name.contains("-\(getpid())-"))
    func make(_ name: String, lock: Bool = true) throws {
      let path = "\(parent.path)/\(name)"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      for file in (lock ? ["lock"] : []) + ["blocks-0"] {
        #expect(FileManager.default.createFile(atPath: "\(path)/\(file)", contents: nil))
      }
    }
    try make("\(ScratchFolder.prefix)1-2-3")
    // Of another user, of another host, and of nobody.
    let others = ["muster-4242-host-1-2-3", "muster-\(geteuid())-elsewhere!-1-2-3", "notes"]
    for other in others { try make(other) }
    // One that is being made just now.
    try make(".\(ScratchFolder.prefix)4-5-6", lock: false)
    symlink("\(parent.path)/notes", "\(parent.path)/\(ScratchFolder.prefix)7-8-9")
    ScratchFolder.removeRemains(in: parent.path)
    let left = others + [name, ".\(ScratchFolder.prefix)4-5-6", "\(ScratchFolder.prefix)7-8-9"]
    #expect(parent.contents == left.sorted())
    #expect(FileManager.default.fileExists(atPath: "\(parent.path)/notes/blocks-0"))
  }

  @Test func aKilledProcessLeavesItsFolderToTheNext() async throws {
    let parent = try TemporaryScratch()
    defer { withExtendedLifetime(parent) {} }
    let path = parent.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let disk = SpillerUnderTest(["MUSTER_SCRATCH": path])
      _ = try disk.places([BulkBlock(number: 1, small: 0, large: 4 << 20)])
      kill(getpid(), SIGKILL)
      sleep(60)
    }
    let left = try #require(parent.contents.first)
    // Only its folder: what it had written is gone with it.
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(left)") == ["lock"])
    let next = try ScratchFolder(in: path)
    #expect(parent.contents.count == 1 && next.path != "\(path)/\(left)")
  }
}

private let canMountComment: Comment = "mounting a disk needs root, and a machine that allows it"
private let canMount: Bool = {
  guard let folder = try? TemporaryScratch() else { return false }
  return withExtendedLifetime(folder) { mounted(on: folder.path, megabytes: 1) && run("umount", ["-l", folder.path]) }
}()

private func mounted(on folder: String, megabytes: Int) -> Bool {
  run("mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", folder])
}

@discardableResult private func run(_ program: String, _ arguments: [String]) -> Bool {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return false }
  process.waitUntilExit()
  return process.terminationStatus == 0
}
