import Foundation
import Muster
import MusterArrays

/// One mistake at a time: the error is the same on every rank, and leaves the program.
enum BadInput {
  static func run(_ kind: String, folder: String) async throws {
    try await Session.run { session in
      let good = folder + "/good.h5"
      let field = session.arange(0.0, 60.0).reshaped([12, 5])
      try await session.write(to: good, [.dataset("t2m", field), .dataset("count", session.arange(0, 7))])
      do {
        try await provoke(kind, session, good: good, folder: folder)
      } catch let error as MusterError {
        let root = try session.onRoot("compare errors") { error }
        // The rank that ran the failing task is part of the error, and the same everywhere too.
        guard root == error else {
          throw MusterError(.internal, "rank \(session.rank) has \(error), rank 0 has \(root)")
        }
        print("\(error.code): \(error.message)")
        throw error
      }
      print("nothing was thrown")
    }
  }

  private static func provoke(_ kind: String, _ session: Session, good: String, folder: String) async throws {
    let field = try session.open(good, dataset: "t2m", as: Double.self)
    switch kind {
    case "missing": _ = try session.open(folder + "/nowhere.h5", dataset: "t2m")
    case "notHDF5":
      try session.onRoot("make a text file") {
        try "these are words".write(toFile: folder + "/words.h5", atomically: true, encoding: .utf8)
      }
      _ = try session.open(folder + "/words.h5", dataset: "t2m")
    case "truncated":
      try session.onRoot("cut a file") {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: good))
        try bytes.prefix(bytes.count - 100).write(to: URL(fileURLWithPath: folder + "/cut.h5"))
      }
      _ = try session.open(folder + "/cut.h5", dataset: "t2m")
    case "dataset": _ = try session.open(good, dataset: "t3m")
    case "type": _ = try session.open(good, dataset: "count", as: Double.self)
    case "broadcast": _ = try await (field + session.ones([7], as: Double.self)).compute()
    case "chunks": _ = try await session.open(good, dataset: "t2m", as: Double.self, chunks: [0, 5]).compute()
    case "axes": _ = try await field.sum(axes: [0, 1, 2]).compute()
    case "nan": _ = try await (field / (field - 7.0) * 0.0).svd().s.compute()
    case "unwritable": try await session.write(to: "/proc/out.h5", [.dataset("t2m", field)])
    case "readOnly": try await session.write(to: folder + "/disk/out.h5", [.dataset("t2m", field)])
    case "full":
      // More than any disk has.
      try await session.write(
        to: folder + "/out.h5",
        [.dataset("t2m", session.zeros([1 << 27, 1 << 27], as: Double.self, chunks: [1 << 27, 1]))])
    case "closure":
      // A task of a write fails: the file must not appear.
      let failing = field.rechunked([3, 5]).mapBlocks { block -> NDArray<Double> in
        if block.elements[0] == 30 { throw MusterError(.invalidArgument, "30 isn't liked") }
        return block
      }
      try await session.write(to: folder + "/out.h5", [.dataset("t2m", failing)])
    case "fills":
      // Half the disk, in four chunks; the first of them finds the disk full.
      let large = session.arange(0.0, 65536.0).reshaped([8, 8192]).rechunked([2, 8192]).mapBlocks {
        block -> NDArray<Double> in
        if block.elements[0] == 0 { try fill(disk: folder + "/disk") }
        return block
      }
      try await session.write(to: folder + "/disk/out.h5", [.dataset("t2m", large)])
    case "limit":
      // On the workers alone where there are some: the limit is met by a task then, and by rank 0's beginning otherwise.
      if session.rankCount == 1 || !session.isRoot { limitFiles(to: 64 << 10) }
      try await session.write(to: folder + "/out.h5", [.dataset("t2m", session.arange(0.0, 65536.0))])
    case "rival": try await meetRival(field, session, path: folder + "/out.h5")
    default: throw MusterError(.invalidArgument, "no such kind '\(kind)'")
    }
  }

  /// Fills a disk while a file is written to it.
  private static func fill(disk: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: disk) where name.hasSuffix(".partial") {
      // The write has reserved its space. Many network file systems can't do that; here it is taken back.
      let path = disk + "/" + name
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
      guard truncate(path, 0) == 0, truncate(path, off_t(size)) == 0 else {
        throw MusterError(.inputOutput, "can't cut \(path)")
      }
    }
    let filler = open(disk + "/filler", O_WRONLY | O_CREAT, 0o600)
    let page = [UInt8](repeating: 1, count: 4096)
    while write(filler, page, page.count) > 0 {}
    guard errno == ENOSPC else { throw MusterError(.inputOutput, "\(disk) isn't full") }
    close(filler)
  }

  private static func limitFiles(to byteCount: Int) {
    var limit = rlimit(rlim_cur: rlim_t(byteCount), rlim_max: rlim_t(byteCount))
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
  }

  /// Writes a file anew; while it is written another program begins to write the same.
  private static func meetRival(_ field: ChunkedArray<Double>, _ session: Session, path: String) async throws {
    try await session.write(to: path, [.dataset("t2m", field)])
    let disturbed = (field + 1).rechunked([3, 5]).mapBlocks { block -> NDArray<Double> in
      if block.elements[0] == 1 {
        _ = try HDF5WriteTarget.create(
          path: path,
          HDF5FileDescription(datasets: [HDF5DatasetDescription(name: "t2m", shape: [12, 5], elementType: .float64)]))
      }
      return block
    }
    do {
      try await session.write(to: path, [.dataset("t2m", disturbed)])
    } catch {
      // What was there before is whole.
      let before = try await session.open(path, dataset: "t2m", as: Double.self).compute()
      guard before.elements == (0..<60).map(Double.init) else { throw MusterError(.damagedFile, "\(path) is another") }
      throw error
    }
  }
}
