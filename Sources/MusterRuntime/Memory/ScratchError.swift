internal import Glibc
internal import MusterUnits

extension MusterError {
  /// What the system said of scratch files, with what to do.
  ///
  /// - Parameters:
  ///   - action: What was being done, to go after "can't": `write`, `read`, `make`.
  ///   - bytes: How many bytes were to be written or read.
  init(scratch action: String, _ path: String, number: Int32, bytes: Int? = nil) {
    let elsewhere = "set MUSTER_SCRATCH to a folder on another disk"
    let size = bytes.map { " \(ByteSize.text($0)) (\($0) bytes)" } ?? ""
    let start = "can't \(action)\(size) in the scratch folder, \"\(path)\""
    let free = Self.freeBytes(path).map { ", with \(ByteSize.text($0)) free" } ?? ""
    switch number {
    case ENOSPC:
      self.init(
        .diskFull, "\(start): the disk is full\(free)",
        fix: "Free some space, \(elsewhere), or give the job more memory or more nodes")
    case EDQUOT:
      self.init(
        .diskFull, "\(start): the quota is used up\(free)",
        fix: "Free some space, \(elsewhere), or give the job more memory or more nodes")
    case EFBIG:
      self.init(
        .diskFull, "\(start): the file would be larger than allowed here",
        fix: "Raise the limit on the size of files (ulimit -f), or \(elsewhere)")
    case EACCES, EPERM, EROFS:
      self.init(
        .permissionDenied, "\(start): \(String(cString: strerror(number)))",
        fix: "Change its permissions, or \(elsewhere)")
    case ENOENT, ENOTDIR:
      self.init(
        .fileNotFound, "\(start): there is no such folder",
        fix: "Make it, or \(elsewhere); it may have been removed while the program ran")
    default:
      self.init(
        .inputOutput, "\(start): \(String(cString: strerror(number)))\(free)",
        fix: "Look for errors of the disk in the system's log, or \(elsewhere)")
    }
  }

  private static func freeBytes(_ path: String) -> Int? {
    var status = statvfs()
    // The file may be gone; its folder tells the same.
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    guard statvfs(path, &status) == 0 || statvfs(folder, &status) == 0 else { return nil }
    return Int(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }
}
