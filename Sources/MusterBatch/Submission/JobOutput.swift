internal import Foundation

/// What a job has written up to now.
public struct JobOutput: Hashable, Sendable, Codable {
  /// The job's number.
  public var job: String
  /// The file.
  public var file: String
  /// What is in it.
  public var text: String
}

extension Submission {
  /// What a job that was submitted has written up to now.
  ///
  /// - Parameters:
  ///   - index: of an array, the index of the job.
  ///   - isOfErrors: whether the file of its errors is meant, of a job that has one (`job.error`).
  /// - Throws: `BatchError` with code `unknownJob`; `invalidValue` where an array's index is missing, or is given for another
  ///   job, or where errors have no file of their own; `unreadableFile` where there is no output yet.
  public func output(of id: String, index: Int? = nil, errors isOfErrors: Bool = false) throws(BatchError) -> JobOutput
  {
    let record = try record(of: id)
    guard let own = isOfErrors ? record.errors : record.output else {
      throw BatchError(
        .invalidValue, "job \(id) writes its errors where its output goes, as far as is known",
        fix: "Leave out --errors")
    }
    var file = own.hasPrefix("/") ? own : record.folder + "/" + own
    if file.contains("{index}") {
      guard let index else {
        throw BatchError(.invalidValue, "job \(id) is an array: say which of its jobs with --index")
      }
      file = file.replacing("{index}", with: "\(index)")
    } else if index != nil {
      throw BatchError(.invalidValue, "job \(id) is no array: leave out --index")
    }
    guard let data = FileManager.default.contents(atPath: file) else {
      throw BatchError(
        .unreadableFile, "\(file), the \(isOfErrors ? "errors" : "output") of job \(id), isn't there",
        fix: "A job that hasn't begun, or couldn't begin, has written nothing: see muster jobs \(record.id)")
    }
    return JobOutput(job: record.id, file: file, text: String(decoding: data, as: UTF8.self))
  }
}
