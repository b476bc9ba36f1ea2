/// Where the items with keys of one item are. Types read them in the order in which they wrote them, mostly.
///
/// A class, since several containers of one item may be asked for. Not `Sendable`: used on one thread.
final class FieldPlaces {
  /// So many are passed over before a dictionary is worth its while.
  private static let mostPassed = 16

  private let bytes: CodedBytes
  private let start: Int
  private let end: Int
  /// Where the one begins, with its key, that was found last.
  private var last: Int
  /// Of all items, once that was made.
  private var places: [String: Int]?

  init(of decoder: ValueDecoder) throws {
    bytes = decoder.bytes
    var cursor = bytes.cursor(at: decoder.offset)
    let item = try cursor.item()
    guard item == .fields || item == .repeatedFields else { throw decoder.mismatch([String: Any].self, item) }
    let length = try cursor.length()
    start = cursor.offset
    end = start + length
    last = start
    if item == .repeatedFields { try index() }
  }

  /// Where the item with the key begins; nil where there is none, or where that can't be found out, which the value's read
  /// ends with.
  func place(of name: String) -> Int? {
    do { return try find(name) } catch {
      bytes.failure = error
      return nil
    }
  }

  private func find(_ name: String) throws -> Int? {
    if let places { return places[name] }
    var cursor = bytes.cursor(at: last)
    var hasWrapped = false
    // The one that was found last may be asked for again.
    for _ in 0...Self.mostPassed {
      if cursor.offset >= end && !hasWrapped {
        hasWrapped = true
        cursor = bytes.cursor(at: start)
      }
      if hasWrapped && cursor.offset >= last { return nil }
      let begin = cursor.offset
      if try bytes.key(&cursor) == name {
        last = begin
        return cursor.offset
      }
      try cursor.skip()
    }
    try index()
    return places?[name]
  }

  /// All keys, in the order in which they were written; one that was written twice comes once.
  func names() -> [String] {
    do { return try findNames() } catch {
      bytes.failure = error
      return []
    }
  }

  private func findNames() throws -> [String] {
    var names: [String] = []
    var seen: Set<String> = []
    var cursor = bytes.cursor(at: start)
    while cursor.offset < end {
      let name = try bytes.key(&cursor)
      if places == nil || seen.insert(name).inserted { names.append(name) }
      try cursor.skip()
    }
    return names
  }

  private func index() throws {
    var found: [String: Int] = [:]
    var cursor = bytes.cursor(at: start)
    while cursor.offset < end {
      // The last one holds.
      found[try bytes.key(&cursor)] = cursor.offset
      try cursor.skip()
    }
    places = found
  }
}
