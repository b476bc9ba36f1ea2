import Foundation
import MusterRuntime
import MusterUnits
import Testing

struct MemoryLimitTests {
  @Test func sizesAreReadAsPeopleWriteThem() throws {
    let sizes: [(String, Int)] = [
      ("4096", 4096), ("4 GB", 4_000_000_000), ("4gb", 4_000_000_000), ("4GiB", 4 << 30), ("4 gib", 4 << 30),
      ("4G", 4 << 30), ("4Gi", 4 << 30), ("500 MB", 500_000_000), ("1.5 TB", 1_500_000_000_000), (".5k", 512),
      ("1.5KiB", 1536), ("5e8", 500_000_000), ("1e3 kB", 1_000_000), ("1.25e-1 KiB", 128), ("2 EiB", 2 << 60),
      ("1E", 1 << 60), (" 7 B ", 7), ("1PB", 1_000_000_000_000_000), ("9223372036854775807", Int.max),
    ]
    for (text, bytes) in sizes {
      #expect(ByteSize.parse(text) == bytes, "\(text)")
      #expect(try SessionConfiguration.bytes(text) == bytes)
    }
    let wrong = [
      "", " ", "GB", "0", "0.2", "-1", "-1 GB", "1,5 GB", "4 GBs", "4 XB", "4 GB 2", "1..5", "1e", "9 EiB",
      "9223372036854775808", "1e31", "nan", "inf", "0x10", "1e400",
    ]
    for text in wrong where text != "1e" {
      #expect(ByteSize.parse(text) == nil, "\(text)")
      let error = #expect(throws: MusterError.self) { try SessionConfiguration.bytes(text) }
      #expect(error?.code == .invalidArgument && error?.fix.contains("4 GiB") == true)
    }
    // A letter alone is a power of 1024.
    #expect(ByteSize.parse("1e") == 1 << 60)
    #expect(ByteSize.text(1536) == "1.5 KiB" && ByteSize.text(3) == "3 bytes")
  }

  @Test func theBatchSystemSaysWhatItGranted() {
    func granted(_ variables: [String: String]) -> Int? { BatchMemory.granted(variables) }
    let job = ["SLURM_JOB_ID": "17"]
    func slurm(_ variables: [String: String]) -> Int? { granted(variables.merging(job) { a, _ in a }) }
    #expect(slurm(["SLURM_MEM_PER_NODE": "4000"]) == 4000 << 20)
    #expect(slurm(["SLURM_MEM_PER_NODE": "16G"]) == 16 << 30)
    // All of the node.
    #expect(slurm(["SLURM_MEM_PER_NODE": "0"]) == nil)
    #expect(slurm(["SLURM_MEM_PER_CPU": "2048", "SLURM_CPUS_ON_NODE": "8"]) == 16 << 30)
    let perTask = ["SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_PER_TASK": "2"]
    #expect(slurm(perTask) == 2 << 30)
    #expect(slurm(perTask.merging(["SLURM_NTASKS_PER_NODE": "4"]) { a, _ in a }) == 8 << 30)
    #expect(slurm(perTask.merging(["SLURM_TASKS_PER_NODE": "4(x2),3"]) { a, _ in a }) == 6 << 30)
    #expect(slurm(["SLURM_MEM_PER_CPU": "1024"]) == nil)
    #expect(slurm(["SLURM_MEM_PER_GPU": "1024", "SLURM_GPUS_ON_NODE": "4"]) == 4 << 30)
    #expect(slurm(["SLURM_MEM_PER_NODE": "lots"]) == nil)
    // Left over in an interactive shell.
    #expect(granted(["SLURM_MEM_PER_NODE": "4000"]) == nil)
    let pbs = ["PBS_JOBID": "1.server"]
    #expect(granted(pbs) == nil)
    #expect(granted(pbs.merging(["PBS_RESC_MEM": "4gb"]) { a, _ in a }) == 4_000_000_000)
    #expect(granted(pbs.merging(["PBS_VMEM": "8589934592", "PBS_NNODES": "2"]) { a, _ in a }) == 4 << 30)
  }

  @Test func controlGroupsOfBothVersionsLimit() throws {
    let folder = try TemporaryScratch()
    defer { withExtendedLifetime(folder) {} }
    func write(_ name: String, _ text: String) throws {
      let path = URL(fileURLWithPath: "\(folder.path)/\(name)")
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: path, atomically: false, encoding: .utf8)
    }
    let groups = ControlGroup(membership: "\(folder.path)/cgroup", mount: "\(folder.path)/mount")
    func available(_ environment: [String: String] = [:]) -> Int {
      MachineMemory.available(environment, controlGroups: groups)
    }
    let machine = available()
    #expect(machine > 64 << 20)
    // Version 2: the least on the way to the root, `memory.high` too.
    try write("cgroup", "0::/job/step\n")
    try write("mount/job/step/memory.max", "max\n")
    #expect(available() == machine)
    try write("mount/job/memory.max", "33554432\n")
    #expect(available() == 32 << 20)
    try write("mount/job/step/memory.high", "16777216\n")
    #expect(available() == 16 << 20)
    // Version 1.
    try write("cgroup", "7:cpu,memory:/job1\n3:cpuset:/other\n")
    try write("mount/memory/memory.limit_in_bytes", "9223372036854771712\n")
    #expect(available() == machine)
    try write("mount/memory/job1/memory.limit_in_bytes", "8388608\n")
    #expect(available() == 8 << 20)
    #expect(available(["SLURM_JOB_ID": "1", "SLURM_MEM_PER_NODE": "4"]) == 4 << 20)
    #expect(available(["SLURM_JOB_ID": "1", "SLURM_MEM_PER_NODE": "4000"]) == 8 << 20)
  }
}

/// A folder for scratch files, removed with the value.
final class TemporaryScratch: Sendable {
  let path: String

  init() throws {
    var template = Array("\(NSTemporaryDirectory())/muster-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ModelViolation(description: "no temporary folder") }
    path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var contents: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}
