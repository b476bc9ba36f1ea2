/// What calls from one place in the program have in common. Made once for each place, where calls are many.
final class CallKind: Sendable {
  let operation: String
  let elementType: String
  let callSite: CallSite?
  /// Of the words, not of where they lie in memory: the same on every rank.
  let digest: Fingerprint

  init(operation: String, elementType: String = "", callSite: CallSite?) {
    self.operation = operation
    self.elementType = elementType
    self.callSite = callSite
    var digest = Fingerprint()
    digest.fold(operation)
    digest.fold(elementType)
    if let callSite {
      digest.fold(callSite.file)
      digest.fold(callSite.line)
    }
    self.digest = digest
  }
}

/// A place in the program as the compiler gives it, which is not put in words yet.
@usableFromInline
struct SourcePlace: Sendable {
  let file: StaticString
  let line: UInt

  @usableFromInline
  init(file: StaticString, line: UInt) {
    self.file = file
    self.line = line
  }

  var callSite: CallSite { CallSite(file: file, line: line) }
}

/// What has been made for places in the program lately, found by where the compiler put their names. That differs from
/// rank to rank, as does what has been dropped: nothing that ranks compare may depend on it.
struct PlaceTable<Content: Sendable>: Sendable {
  private struct Entry: Sendable {
    var file: UInt
    var line: UInt
    var type: ObjectIdentifier?
    var name: String
    var content: Content
  }

  private static var capacity: Int { 256 }

  private var entries: ContiguousArray<Entry?> = []

  /// What was made for a place, a name and a type; makes it where it isn't there (any more).
  mutating func content(
    at place: SourcePlace, name: String, type: ObjectIdentifier? = nil, make: () -> Content
  ) -> Content {
    guard place.file.hasPointerRepresentation else { return make() }
    if entries.isEmpty { entries = ContiguousArray(repeating: nil, count: Self.capacity) }
    let file = UInt(bitPattern: place.file.utf8Start)
    let number = type.map { UInt(bitPattern: $0) } ?? 0
    // Multiplied so that the high bits depend on all: types lie at multiples of 8, files are few.
    let hash = (file &+ place.line &* 31 &+ number &* 7) &* 0x9E37_79B9_7F4A_7C15
    let slot = Int(hash >> (UInt.bitWidth - 8))
    if let entry = entries[slot], entry.file == file, entry.line == place.line, entry.type == type, entry.name == name {
      return entry.content
    }
    let content = make()
    entries[slot] = Entry(file: file, line: place.line, type: type, name: name, content: content)
    return content
  }
}
