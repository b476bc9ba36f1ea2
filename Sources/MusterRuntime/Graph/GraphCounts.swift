/// What a rank keeps of a session's graphs: for tests. A worker knows of layers only.
package struct GraphCounts: Sendable, Equatable {
  package var graphs = 0
  package var tasks = 0
  package var layers = 0
  /// The places of layers in the table of them, forgotten ones included.
  package var layerPlaces = 0
  /// Futures that have come to an end, and of which that is noted.
  package var settledFutures = 0
  /// Loops over futures in the order of their ends.
  package var watches = 0
  /// The futures that such loops have named to the rank that schedules, since the session's start.
  package var watchedFutures = 0
}
