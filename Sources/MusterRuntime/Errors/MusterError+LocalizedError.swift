public import FoundationEssentials

/// What `localizedDescription` says, which many programs log: the whole message.
extension MusterError: LocalizedError {
  /// The same as `description`.
  public var errorDescription: String? { description }
}
