/// What is wrong with a journal, for the callers to put in words.
package enum JournalFault: Error, Equatable {
  /// The file, or a folder on the way, isn't there.
  case missing
  /// The system said no; the number of the error.
  case system(Int32)
  /// The file isn't a journal.
  case foreign
  /// It was written in another version of the format.
  case version(UInt32)
  /// A record doesn't hold what its kind needs.
  case damaged
}
