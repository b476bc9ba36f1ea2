/// A call that builds a graph or is collective. Made at every call, put in words where somebody has to read it.
package struct Call: Sendable {
  /// What it has in common with others: copies of it are small.
  let kind: CallKind
  package var shape: [Int] = []
  package var detail = ""
  /// The calls whose values it takes.
  var sources = CallSources()
  /// The plan that it runs.
  var plan: PlanDigest?

  package var operation: String { kind.operation }
  package var callSite: CallSite? { kind.callSite }

  package init(
    operation: String, shape: [Int] = [], elementType: String = "", detail: String = "", callSite: CallSite? = nil
  ) {
    kind = CallKind(operation: operation, elementType: elementType, callSite: callSite)
    self.shape = shape
    self.detail = detail
  }

  init(_ kind: CallKind, sources: CallSources) {
    self.kind = kind
    self.sources = sources
  }

  /// As a message names it: `sum of [240, 37, 49] Double (axes 0) at main.swift:12`.
  package var text: String {
    var text = operation
    let elementType = kind.elementType
    if !shape.isEmpty || !elementType.isEmpty { text += " of" }
    if !shape.isEmpty { text += " \(shape)" }
    if !elementType.isEmpty { text += " \(elementType)" }
    let details = [detail, sources.text, plan?.text ?? ""].filter { !$0.isEmpty }
    if !details.isEmpty { text += " (\(details.joined(separator: ", ")))" }
    if let callSite { text += " at \(callSite)" }
    return text
  }
}

/// Which calls made what a call takes, by their numbers. However many they are, all of them count in the digest.
struct CallSources: Sendable {
  private static let shownCount = 8

  private(set) var count = 0
  private(set) var digest = Fingerprint()
  private var shown = InlineArray<8, Int>(repeating: 0)

  init() {}

  init(_ sources: [GraphSource]) {
    for source in sources { add(source.number) }
  }

  private mutating func add(_ number: Int) {
    if count < Self.shownCount { shown[count] = number }
    digest.fold(number)
    count += 1
  }

  var text: String {
    guard count > 0 else { return "" }
    let names = (0..<min(count, Self.shownCount)).map { "call \(shown[$0] + 1)" }.joined(separator: ", ")
    let rest =
      count > Self.shownCount
      ? " and \(count - Self.shownCount) more, digest \(String(digest.low >> 32, radix: 16))" : ""
    return "of " + names + rest
  }
}

/// What a rank has called so far: a rolling fingerprint, and the latest calls with what the fingerprint was after each.
package struct CallLog: Sendable {
  package struct Entry: Sendable {
    var number: Int
    var fingerprint: Fingerprint
    var call: Call
  }

  /// How many calls are kept.
  package static let capacity = 1024

  package private(set) var fingerprint = Fingerprint()
  package private(set) var count = 0
  private var ring: [Entry] = []

  package init() {}

  package mutating func record(_ call: consuming Call) {
    fingerprint.fold(call.kind.digest.low)
    fingerprint.fold(call.kind.digest.high)
    fingerprint.fold(call.shape.count)
    for size in call.shape { fingerprint.fold(size) }
    fingerprint.fold(call.detail)
    fingerprint.fold(call.sources.count)
    fingerprint.fold(call.sources.digest.low)
    if let plan = call.plan {
      fingerprint.fold(plan.layers)
      fingerprint.fold(plan.results)
      fingerprint.fold(plan.digest.low)
    }
    let entry = Entry(number: count, fingerprint: fingerprint, call: call)
    if ring.count < Self.capacity { ring.append(entry) } else { ring[count % Self.capacity] = entry }
    count += 1
  }

  /// The kept calls, oldest first.
  package var recent: [Entry] {
    guard ring.count == Self.capacity else { return ring }
    let start = count % Self.capacity
    return Array(ring[start...] + ring[..<start])
  }

  /// The last few calls, of those that are kept, oldest first.
  func latest(_ wanted: Int) -> [Entry] {
    let found = min(wanted, ring.count)
    return (count - found..<count).map { ring[$0 % Self.capacity] }
  }

  /// What a rank sends of its log when its fingerprint differs from another's.
  package var trace: [CallTrace] {
    recent.map { CallTrace(number: $0.number, low: $0.fingerprint.low, high: $0.fingerprint.high, text: $0.call.text) }
  }
}

/// A call as it crosses ranks.
package struct CallTrace: Codable, Sendable {
  package var number: Int
  package var low: UInt64
  package var high: UInt64
  package var text: String

  /// The first call in which two ranks differ: what each called there, nil where it made no such call, or where the
  /// calls are no longer kept.
  package static func firstDifference(_ a: [CallTrace], _ b: [CallTrace]) -> (number: Int, a: String?, b: String?)? {
    let start = max(a.first?.number ?? 0, b.first?.number ?? 0)
    let left = a.drop { $0.number < start }
    let right = b.drop { $0.number < start }
    for (x, y) in zip(left, right) where (x.low, x.high) != (y.low, y.high) {
      // Differing from the oldest kept call on means that the first difference is older.
      if x.number == start && start > 0 { return nil }
      return (x.number, x.text, y.text)
    }
    // The rank that is behind hasn't come to what is kept of the other's calls: the first difference may be older.
    if start > 0 && (left.isEmpty || right.isEmpty) { return nil }
    if left.count > right.count {
      return (left[left.startIndex + right.count].number, left[left.startIndex + right.count].text, nil)
    }
    if right.count > left.count {
      return (right[right.startIndex + left.count].number, nil, right[right.startIndex + left.count].text)
    }
    return nil
  }
}
