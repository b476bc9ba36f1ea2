import Glibc
import MusterRuntime

/// Which file it is, and in which state: a file that was rewritten has another one.
struct FileIdentity: Hashable {
  var device: UInt64
  var inode: UInt64
  var size: Int
  /// Nanoseconds since 1970.
  var modificationTime: Int

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int(status.st_size)
    modificationTime = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
  }
}

/// A look at a file before the library opens it, so that the commonest faults get an error that says what is wrong.
enum HDF5FileProbe {
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

  /// Opens a file for reading and checks that it is HDF5 and all there.
  ///
  /// - Throws: `fileNotFound`, `permissionDenied`, `notHDF5`, `damagedFile`, `inputOutput`.
  static func open(_ path: String) throws -> (FileDescriptor, FileIdentity) {
    do {
      let descriptor = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
      let status = try descriptor.status()
      guard status.st_mode & S_IFMT != S_IFDIR else { throw SystemFailure(errno: EISDIR) }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw MusterError(.notHDF5, "\"\(path)\" isn't an ordinary file", fix: "Name an HDF5 file")
      }
      let identity = FileIdentity(status)
      try check(descriptor, size: identity.size, path: path)
      return (descriptor, identity)
    } catch let failure as SystemFailure {
      throw failure.error("open", path)
    }
  }

  private static func check(_ file: FileDescriptor, size: Int, path: String) throws {
    guard size > 0 else {
      throw MusterError(
        .notHDF5, "\"\(path)\" is empty: 0 bytes", fix: "Check whether what should have written it went to its end")
    }
    // The superblock may come behind a user block: of 512 bytes, or any power of two times that.
    var offset = 0
    while offset + signature.count <= size {
      let head = try bytes(of: file, offset: offset, count: 96)
      if head.starts(with: signature) {
        guard let end = endOfFile(superblock: head) else {
          throw MusterError(
            .damagedFile, "\"\(path)\" is damaged: its superblock is cut off or unreadable (\(size) bytes in all)",
            fix: "Copy the file again from where it came from")
        }
        guard end <= UInt64(size) else {
          throw MusterError(
            .damagedFile, "\"\(path)\" is truncated: it has \(size) bytes, and its superblock says \(end)",
            fix: "Copy the file again, or check whether what wrote it went to its end")
        }
        return
      }
      offset = offset == 0 ? 512 : offset * 2
    }
    let seems = look(try bytes(of: file, offset: 0, count: 8))
    throw MusterError(
      .notHDF5,
      "\"\(path)\" isn't an HDF5 file: the signature is missing" + (seems.map { "; it seems to be \($0.0)" } ?? ""),
      fix: seems?.1 ?? "Check the path, or convert the file to HDF5")
  }

  private static func bytes(of file: FileDescriptor, offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      guard let start = buffer.baseAddress else { return }
      initialized = try file.read(into: start, count: count, offset: offset)
    }
  }

  /// Where the file ends according to its superblock (HDF5 File Format Specification, section II.A); nil where the
  /// superblock isn't whole. The address counts from the start of the file, user block included.
  private static func endOfFile(superblock bytes: [UInt8]) -> UInt64? {
    guard bytes.count > 24 else { return nil }
    let (width, position): (Int, Int)
    switch bytes[8] {
    case 0: (width, position) = (Int(bytes[13]), 24 + 2 * Int(bytes[13]))
    case 1: (width, position) = (Int(bytes[13]), 28 + 2 * Int(bytes[13]))
    case 2, 3: (width, position) = (Int(bytes[9]), 12 + 2 * Int(bytes[9]))
    default: return nil
    }
    guard [2, 4, 8].contains(width), position + width <= bytes.count else { return nil }
    return bytes[position..<position + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// What a file that isn't HDF5 seems to be, and what to do about it.
  private static func look(_ head: [UInt8]) -> (String, String)? {
    let known: [([UInt8], String, String)] = [
      (Array("CDF".utf8), "a NetCDF file of the classic format", "Convert it with `nccopy -k nc4 OLD NEW`"),
      (Array("GRIB".utf8), "a GRIB file", "Convert it with `cdo -f nc4 copy OLD NEW`"),
      ([0x0e, 0x03, 0x13, 0x01], "an HDF4 file", "Convert it with `h4toh5 OLD NEW`"),
      ([0x1f, 0x8b], "compressed with gzip", "Unpack it with `gunzip`"),
      ([0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd", "Unpack it with `unzstd`"),
      (Array("PK".utf8), "a ZIP archive", "Unpack it, or convert what is in it to HDF5"),
      ([0x93] + Array("NUMPY".utf8), "a NumPy array file", "Convert it to HDF5 with h5py"),
      (Array("<".utf8), "a web page or XML", "Check whether the download of it failed"),
    ]
    return known.first { head.starts(with: $0.0) }.map { ($0.1, $0.2) }
  }
}
