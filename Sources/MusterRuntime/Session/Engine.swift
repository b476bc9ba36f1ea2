/// What is behind a session: threads of this process, or ranks.
protocol Engine: AnyObject, Sendable {
  var rank: Int { get }
  var rankCount: Int { get }
  var workerCount: Int { get }
  /// The threads that run tasks, of one worker.
  var threadsPerWorker: Int { get }
  /// What tasks and the program coordinate by.
  var coordination: Coordination { get }

  /// Runs a plan; `completion` is called once, on a thread of the engine's (or the caller's).
  func compute(
    _ plan: Plan, arrival: Arrival, completion: @escaping @Sendable (Result<[any Block], MusterError>) -> Void)

  /// Gives every rank what rank 0 passed as `outcome` (nil on the others). Blocks the calling thread.
  func shareFromRoot(_ outcome: Result<[UInt8], MusterError>?, arrival: Arrival) -> Result<[UInt8], MusterError>

  /// Ends the session: returns when every rank has come to the end.
  func finish(arrival: Arrival)
}

/// How a rank comes to a collective.
package struct Arrival: Codable, Sendable {
  enum Kind: String, Codable, Sendable {
    case compute, rootValue, finish
  }

  var kind: Kind
  /// The number of the collective, from 0.
  var sequence: Int
  /// The rank's fingerprint, this call included.
  var fingerprintLow: UInt64
  var fingerprintHigh: UInt64
  /// The call, for messages.
  var call: String
  /// With `finish`: the error with which the program ended.
  var failure: String?
  /// With `rootValue`: what went wrong on this rank, for every rank to hear.
  var error: MusterError?

  /// Whether two ranks come to the same collective with the same history.
  func agrees(with other: Arrival) -> Bool {
    kind == other.kind && sequence == other.sequence && fingerprintLow == other.fingerprintLow
      && fingerprintHigh == other.fingerprintHigh && failure == other.failure
  }
}
