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
  /// - Parameter index: of an array, the index of the job.
  /// - Throws: `BatchError` with code `unknownJob`; `invalidValue` where an array's index is missing, or is given for another
  ///   job; `unreadableFile` where there is no output yet.
  public func output(of id: String, index: Int? = nil) throws(BatchError) -> JobOutput {
    let record = try record(of: id)
    var file = record.output.hasPrefix("/") ? record.output : record.folder + "/" + record.output
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
        .unreadableFile, "\(file), the output of job \(id), isn't there",
        fix: "A job that hasn't begun, or couldn't begin, has written nothing: see muster jobs \(record.id)")
    }
    return JobOutput(job: record.id, file: file, text: String(decoding: data, as: UTF8.self))
  }
}
