package import MusterScheduling

/// Loops over futures in the order in which they come to an end: each names its futures once, and is told of those that
/// have come to an end since it last asked. So a step costs what has happened, not what is left. A value.
package struct FutureWatches: Sendable {
  private struct Watch: Sendable {
    let tasks: [TaskID]
    /// The places of futures that have come to an end, of which the loop hasn't been told.
    var news: [UInt32] = []
    /// The futures of which it hasn't been told.
    var left: Int
  }

  private struct Place: Sendable {
    var watch: Int
    var place: UInt32
  }

  private var watches: [Int: Watch] = [:]
  /// Who waits for a future: mostly one.
  private var watchers: [TaskID: [Place]] = [:]
  /// The futures that have been named so far: how much work the watches have made.
  package private(set) var namedCount = 0

  package init() {}

  package var count: Int { watches.count }
  /// Whether anything is kept.
  package var isEmpty: Bool { watches.isEmpty && watchers.isEmpty }

  /// Begins a watch, where there is none with the number.
  ///
  /// - Parameters:
  ///   - told: the places of futures of which the loop knows already that they have come to an end.
  ///   - order: the how manieth to come to an end a future was; nil where it hasn't.
  package mutating func add(
    _ number: Int, _ tasks: [TaskID], told: Set<UInt32> = [], order: (TaskID) -> Int?
  ) {
    guard watches[number] == nil, tasks.count > told.count else { return }
    namedCount += tasks.count
    var ended: [(order: Int, place: UInt32)] = []
    for (place, task) in tasks.enumerated() where told.isEmpty || !told.contains(UInt32(place)) {
      if let order = order(task) {
        ended.append((order, UInt32(place)))
      } else {
        watchers[task, default: []].append(Place(watch: number, place: UInt32(place)))
      }
    }
    ended.sort { ($0.order, $0.place) < ($1.order, $1.place) }
    watches[number] = Watch(tasks: tasks, news: ended.map(\.place), left: tasks.count - told.count)
  }

  /// A future has come to an end.
  package mutating func settled(_ task: TaskID) {
    guard !watchers.isEmpty, let places = watchers.removeValue(forKey: task) else { return }
    for place in places { watches[place.watch]?.news.append(place.place) }
  }

  package func hasNews(of number: Int) -> Bool { watches[number]?.news.isEmpty == false }

  /// Takes the places of the futures that have come to an end since the last time, in the order in which they did; nil where
  /// there are none. With the last of them the watch ends.
  package mutating func takeNews(of number: Int) -> [UInt32]? {
    var news: [UInt32] = []
    if let watch = watches[number], !watch.news.isEmpty { swap(&watches[number]!.news, &news) }
    guard !news.isEmpty else { return nil }
    watches[number]!.left -= news.count
    if watches[number]!.left == 0 { watches[number] = nil }
    return news
  }

  /// Ends a watch: the loop was left.
  package mutating func remove(_ number: Int) {
    guard let watch = watches.removeValue(forKey: number) else { return }
    for task in watch.tasks {
      guard var places = watchers[task] else { continue }
      places.removeAll { $0.watch == number }
      watchers[task] = places.isEmpty ? nil : places
    }
  }
}
