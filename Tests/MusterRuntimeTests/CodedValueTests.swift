import Foundation
import MusterRuntime
import Testing

/// Values in their `Codable` form, there and back: whatever a type does with a coder.
@Suite struct CodedValueTests {
  private func back<T: Codable>(_ value: T) throws -> T { try back(value, as: T.self) }

  private func back<T: Encodable, Other: Decodable>(_ value: T, as type: Other.Type) throws -> Other {
    try CodedValue.value(type, from: CodedValue.bytes(of: value))
  }

  // MARK: What Swift writes itself

  private enum Mode: String, Codable { case fast, exact }

  private indirect enum Shape: Codable, Equatable {
    case empty
    case circle(radius: Double)
    case scaled(Shape, by: Float, unless: String?)
  }

  private struct Station: Codable, Equatable {
    var name: String
    var height: Double?
    var depth: Float?
    var mode: Mode
    var shapes: [Shape]
    var levels: [Int32]
    var tags: [String: [Double]]
    var counts: [Int: String]
    var grid: [[UInt8]]
    var parts: [Station]
    var blob: Data
    var when: Date
    var address: URL?
    var isUsed: Bool
    var flags: [Bool]
    var ids: Set<UInt16>
    var pair: ClosedRange<Int>
  }

  private func station(_ depth: Int) -> Station {
    Station(
      name: "Łódź \(depth)", height: depth == 1 ? nil : 1.5, depth: nil, mode: .exact,
      shapes: [.empty, .circle(radius: .pi), .scaled(.scaled(.empty, by: 2, unless: nil), by: -0.1, unless: "never")],
      levels: [.min, -1, 0, .max], tags: ["a": [1, .infinity], "": [], "ü": [-0.0]], counts: [-3: "x", 7: ""],
      grid: [[1, 2], [], [255]], parts: depth > 0 ? [station(depth - 1), station(depth - 1)] : [],
      blob: Data([0, 1, 254]), when: Date(timeIntervalSinceReferenceDate: 0.1), address: URL(string: "https://a.b/c"),
      isUsed: depth == 2, flags: [true, false, true], ids: [1, 65535], pair: -1...4)
  }

  @Test func aStructOfAllKinds() throws {
    let value = station(3)
    #expect(try back(value) == value)
    // As Foundation has it, by way of JSON.
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    #expect(try decoder.decode(Station.self, from: encoder.encode(value)) == back(value))
  }

  @Test func numbersKeepTheirBits() throws {
    let odd = Double(nan: 0x1234, signaling: false)
    struct Numbers: Codable {
      var one: Double
      var many: [Double]
      var single: Float
      var wide: Int128
      var natural: UInt128
      var large: UInt64
    }
    let value = try back(
      Numbers(
        one: -odd, many: [odd, -0.0, .leastNonzeroMagnitude], single: -Float.nan, wide: .min, natural: .max, large: .max
      ))
    #expect(value.one.bitPattern == (-odd).bitPattern && value.single.bitPattern == (-Float.nan).bitPattern)
    #expect(
      value.many.map(\.bitPattern) == [odd, -0.0, .leastNonzeroMagnitude].map(\.bitPattern) && value.wide == .min
        && value.natural == .max && value.large == .max)
  }

  @Test func whatIsNoStruct() throws {
    #expect(try back("") == "" && back(String(repeating: "é", count: 5000)) == String(repeating: "é", count: 5000))
    #expect(try back(Int?.none) == nil && back(Int?.some(4)) == 4)
    #expect(try back([Int?]([nil, 1, nil])) == [nil, 1, nil])
    #expect(try back([[String]]([["a"], [], ["b", "c"]])) == [["a"], [], ["b", "c"]])
    #expect(try back([Double]()) == [] && back([String: Int]()) == [:])
    #expect(try back(Decimal(string: "1.25")!) == Decimal(string: "1.25")!)
    #expect(try back([Mode.fast: 1, .exact: 2]) == [.fast: 1, .exact: 2])
  }

  /// More keys than have numbers, in another order than they are asked for.
  @Test func aLargeDictionary() throws {
    let value = Dictionary(uniqueKeysWithValues: (0..<5000).map { ("key \($0)", [$0]) })
    #expect(try back([value, value]) == [value, value])
  }

  /// Two that look alike are different names of files.
  @Test func keysKeepTheirBytes() throws {
    let keys = ["caf\u{e9}", "cafe\u{301}"]
    let value = try back(keys.map { [$0: 1] })
    #expect(value.map { $0.keys.first.map { Array($0.utf8) } } == keys.map { Array($0.utf8) })
  }

  // MARK: What types do by hand

  private class Base: Codable {
    var id: Int
    init(id: Int) { self.id = id }
    private enum Key: CodingKey { case id }
    required init(from decoder: any Decoder) throws {
      id = try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: .id)
    }
    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      try fields.encode(id, forKey: .id)
    }
  }

  /// Its parent's fields are in an item of their own, or among its own.
  private final class Child: Base {
    var name: String
    let isShared: Bool
    init(id: Int, name: String, isShared: Bool) {
      (self.name, self.isShared) = (name, isShared)
      super.init(id: id)
    }
    private enum Key: CodingKey { case name, isShared }
    required init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      name = try fields.decode(String.self, forKey: .name)
      isShared = try fields.decode(Bool.self, forKey: .isShared)
      try super.init(from: isShared ? decoder : fields.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      try fields.encode(name, forKey: .name)
      try super.encode(to: isShared ? encoder : fields.superEncoder())
      try fields.encode(isShared, forKey: .isShared)
    }
  }

  @Test(arguments: [false, true]) func aClassAndItsParent(isShared: Bool) throws {
    let value = try back(Child(id: 7, name: "seven", isShared: isShared))
    #expect(value.id == 7 && value.name == "seven" && value.isShared == isShared)
  }

  /// Containers that are written in turns, of which some stay empty, in every kind of container.
  private struct Turns: Codable, Equatable {
    var numbers: [Int]
    private enum Key: CodingKey { case even, odd, rest, none }
    init(numbers: [Int]) { self.numbers = numbers }

    func encode(to encoder: any Encoder) throws {
      var all = encoder.container(keyedBy: Key.self)
      var even = all.nestedUnkeyedContainer(forKey: .even)
      var odd = all.nestedContainer(keyedBy: Key.self, forKey: .odd)
      var inner = odd.nestedUnkeyedContainer(forKey: .rest)
      for number in numbers {
        if number.isMultiple(of: 2) {
          try even.encode("\(number)")
        } else {
          var pair = inner.nestedUnkeyedContainer()
          try inner.encode(-number)
          try pair.encode(number)
          try pair.encodeNil()
        }
      }
      try all.encode(numbers.count, forKey: .rest)
      _ = all.nestedContainer(keyedBy: Key.self, forKey: .none)
    }

    init(from decoder: any Decoder) throws {
      let all = try decoder.container(keyedBy: Key.self)
      numbers = []
      // In another order than they were written.
      let count = try all.decode(Int.self, forKey: .rest)
      let odd = try all.nestedContainer(keyedBy: Key.self, forKey: .odd)
      var inner = try odd.nestedUnkeyedContainer(forKey: .rest)
      while !inner.isAtEnd {
        var pair = try inner.nestedUnkeyedContainer()
        numbers.append(try pair.decode(Int.self))
        guard try pair.decodeNil(), pair.isAtEnd, try inner.decode(Int.self) == -numbers.last! else {
          throw CocoaError(.coderReadCorrupt)
        }
      }
      var even = try all.nestedUnkeyedContainer(forKey: .even)
      while !even.isAtEnd { numbers.append(Int(try even.decode(String.self))!) }
      let none = try all.nestedContainer(keyedBy: Key.self, forKey: .none)
      guard count == numbers.count, none.allKeys.isEmpty, all.allKeys.count == 4, !none.contains(.even) else {
        throw CocoaError(.coderReadCorrupt)
      }
      numbers.sort()
    }
  }

  @Test func containersThatAreWrittenInTurns() throws {
    let value = Turns(numbers: Array(0..<11))
    #expect(try back(value) == value)
    #expect(try back([value, Turns(numbers: []), value]) == [value, Turns(numbers: []), value])
  }

  /// A container with a key that is asked for again is the same, whatever was written between.
  private struct Again: Codable, Equatable {
    private enum Key: CodingKey { case list, info, other, a, b }
    init() {}
    func encode(to encoder: any Encoder) throws {
      var all = encoder.container(keyedBy: Key.self)
      for number in 0..<3 {
        var list = all.nestedUnkeyedContainer(forKey: .list)
        try list.encode(number)
      }
      var info = all.nestedContainer(keyedBy: Key.self, forKey: .info)
      try info.encode("a", forKey: .a)
      try all.encode(7, forKey: .other)
      var list = all.nestedUnkeyedContainer(forKey: .list)
      try list.encode(3)
      info = all.nestedContainer(keyedBy: Key.self, forKey: .info)
      try info.encode("b", forKey: .b)
    }
    init(from decoder: any Decoder) throws {
      let all = try decoder.container(keyedBy: Key.self)
      let info = try all.nestedContainer(keyedBy: Key.self, forKey: .info)
      guard try all.decode([Int].self, forKey: .list) == [0, 1, 2, 3], try all.decode(Int.self, forKey: .other) == 7,
        try info.decode(String.self, forKey: .a) == "a", try info.decode(String.self, forKey: .b) == "b",
        all.allKeys.map(\.stringValue) == ["list", "info", "other"]
      else { throw CocoaError(.coderReadCorrupt) }
    }
  }

  @Test func aContainerThatIsAskedForAgain() throws {
    #expect(try back([Again(), Again()]) == [Again(), Again()])
  }

  /// As many write it: what can be anything tries one type after the other.
  private enum Anything: Codable, Equatable {
    case bool(Bool)
    case int(Int)
    case double(Double)
    case text(String)
    case list([Anything])
    func encode(to encoder: any Encoder) throws {
      var one = encoder.singleValueContainer()
      switch self {
      case .bool(let value): try one.encode(value)
      case .int(let value): try one.encode(value)
      case .double(let value): try one.encode(value)
      case .text(let value): try one.encode(value)
      case .list(let value): try one.encode(value)
      }
    }
    init(from decoder: any Decoder) throws {
      let one = try decoder.singleValueContainer()
      if let value = try? one.decode(Bool.self) {
        self = .bool(value)
      } else if let value = try? one.decode(Int.self) {
        self = .int(value)
      } else if let value = try? one.decode(Double.self) {
        self = .double(value)
      } else if let value = try? one.decode(String.self) {
        self = .text(value)
      } else {
        self = .list(try one.decode([Anything].self))
      }
    }
    init(_ value: [Anything]) { self = .list(value) }
  }

  @Test func whatTriesManyTypesFindsItsOwn() throws {
    let value = Anything([.double(3), .int(3), .bool(true), .text("3"), .list([.double(-0.0), .int(-1)])])
    #expect(try back(value) == value)
  }

  /// What a coder can't throw when it's asked for comes with the next item.
  @Test func twoWaysAtOnceAreAnError() throws {
    struct TwoWays: Encodable {
      func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingStepKey.self)
        try fields.encode(1, forKey: .one)
        var list = encoder.unkeyedContainer()
        try list.encode(2)
      }
    }
    struct Twice: Encodable {
      func encode(to encoder: any Encoder) throws {
        var one = encoder.singleValueContainer()
        try one.encode(1)
        try one.encode(2)
      }
    }
    #expect(throws: EncodingError.self) { try CodedValue.bytes(of: TwoWays()) }
    #expect(throws: EncodingError.self) { try CodedValue.bytes(of: [Twice()]) }
  }

  private enum CodingStepKey: CodingKey { case one }

  /// A function that returns a parent's type would have its children arrive as that.
  @Test func anObjectIsNotCutToItsParent() throws {
    #expect(throws: (any Error).self) { try CodedValue.bytes(of: Child(id: 1, name: "c", isShared: true) as Base) }
    #expect(try back(Base(id: 3)).id == 3)
  }

  /// To write to a container whose value is complete is an error.
  @Test func aContainerThatIsKeptIsAnError() throws {
    final class Keeper { var kept: (any UnkeyedEncodingContainer)? }
    struct Inner: Encodable {
      let keeper: Keeper
      func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode(1)
        keeper.kept = list
      }
    }
    struct Outer: Encodable {
      func encode(to encoder: any Encoder) throws {
        let keeper = Keeper()
        var list = encoder.unkeyedContainer()
        try list.encode(Inner(keeper: keeper))
        #expect(throws: EncodingError.self) { try keeper.kept?.encode(2) }
        var nested = keeper.kept?.nestedUnkeyedContainer()
        #expect(throws: EncodingError.self) { try nested?.encode(2) }
        try list.encode([3])
      }
    }
    #expect(try back(Outer(), as: [[Int]].self) == [[1], [3]])
  }

  /// Each level of an enum's is a container within one.
  @Test func deepEnums() throws {
    var shape = Shape.circle(radius: 2)
    for number in 0..<150 { shape = .scaled(shape, by: Float(number), unless: "\(number)") }
    #expect(try back([shape, .empty, shape]) == [shape, .empty, shape])
  }

  /// What a type does that changes its mind.
  private struct Fickle: Codable, Equatable {
    struct Refusing: Codable {
      func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode(1)
        throw CocoaError(.coderInvalidValue)
      }
    }
    struct Nothing: Codable, Equatable { func encode(to encoder: any Encoder) {} }
    private enum Key: CodingKey { case first, twice, missing, nothing, list }

    func encode(to encoder: any Encoder) throws {
      var all = encoder.container(keyedBy: Key.self)
      try all.encode(1, forKey: .twice)
      try? all.encode(Refusing(), forKey: .missing)
      try all.encode(Nothing(), forKey: .nothing)
      try all.encode("last", forKey: .twice)
      var list = all.nestedUnkeyedContainer(forKey: .list)
      try? list.encode(Refusing())
      try list.encode(5)
    }
    init() {}
    init(from decoder: any Decoder) throws {
      let all = try decoder.container(keyedBy: Key.self)
      var list = try all.nestedUnkeyedContainer(forKey: .list)
      let five = try list.decode(Int.self)
      guard try all.decode(String.self, forKey: .twice) == "last", !all.contains(.missing), five == 5, list.isAtEnd,
        all.contains(.nothing), all.allKeys.map(\.stringValue) == ["twice", "nothing", "list"]
      else { throw CocoaError(.coderReadCorrupt) }
      _ = try all.decode(Nothing.self, forKey: .nothing)
    }
  }

  @Test func whatIsWrittenTwiceOrNotAtAll() throws {
    #expect(try back([Fickle(), Fickle()]) == [Fickle(), Fickle()])
  }

  // MARK: Other types than were written

  @Test func numbersBecomeOtherNumbersWhereTheyFit() throws {
    #expect(try back([1, 2, 3], as: [Double].self) == [1, 2, 3])
    #expect(throws: DecodingError.self) { try back([1.0, -2.0], as: [Int8].self) }
    #expect(throws: DecodingError.self) { try back(Float(3), as: Int.self) }
    #expect(try back([UInt8(200)], as: Set<Int>.self) == [200])
    #expect(try back(["a": Float(0.5)], as: [String: Double].self) == ["a": 0.5])
    #expect(try back([Optional(3), nil], as: [Float?].self) == [3, nil])
    #expect(try back(Data([1, 2]), as: [UInt16].self) == [1, 2])
    #expect(try back([UInt8(3)], as: Data.self) == Data([3]))
    #expect(try back(UInt64.max, as: UInt128.self) == UInt128(UInt64.max))
    #expect(throws: DecodingError.self) { try back([300], as: [UInt8].self) }
    #expect(throws: DecodingError.self) { try back([1.5], as: [Int].self) }
    #expect(throws: DecodingError.self) { try back(-1, as: UInt.self) }
    #expect(throws: DecodingError.self) { try back(1e300, as: Float.self) }
    #expect(try back([Double.infinity], as: [Float].self) == [.infinity])
    #expect(try back(UInt128.max, as: Double.self) == Double(UInt128.max))
    #expect(try back([Int64.min, -1, 0, 63, 64, .max], as: [Int64?].self) == [.min, -1, 0, 63, 64, .max])
    #expect(throws: DecodingError.self) { try back(1, as: String.self) }
    #expect(throws: DecodingError.self) { try back([true], as: [Int].self) }
    #expect(throws: DecodingError.self) { try back(["a": 1], as: [Int].self) }
    #expect(throws: DecodingError.self) { try back([1], as: [String: Int].self) }
  }

  /// The path to what is missing or wrong.
  @Test func errorsSayWhere() throws {
    struct Old: Codable { var parts: [[String: Int]] }
    struct New: Codable { var parts: [[String: String]] }
    let bytes = try CodedValue.bytes(of: Old(parts: [[:], ["a": 1]]))
    do {
      _ = try CodedValue.value(New.self, from: bytes)
      Issue.record("a number was read as a text")
    } catch DecodingError.typeMismatch(_, let context) {
      #expect(context.codingPath.map(\.stringValue) == ["parts", "Index 1", "a"])
    }
    struct Other: Codable { var others: Int }
    do {
      _ = try CodedValue.value(Other.self, from: bytes)
      Issue.record("a missing key was read")
    } catch DecodingError.keyNotFound(let key, let context) {
      #expect(key.stringValue == "others" && context.codingPath.isEmpty)
    }
    struct Failing: Codable {
      func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(0, .init(codingPath: encoder.codingPath, debugDescription: "no"))
      }
    }
    do {
      _ = try CodedValue.bytes(of: ["x": [Failing()]])
      Issue.record("what refuses was written")
    } catch EncodingError.invalidValue(_, let context) {
      #expect(context.codingPath.map(\.stringValue) == ["x", "Index 0"])
    }
  }

  private final class Link: Codable {
    var next: Link?
    init(_ next: Link?) { self.next = next }
  }

  /// A list whose elements are each in the one before would take a stack as deep.
  @Test func whatLiesTooDeepIsAnError() throws {
    func chain(_ count: Int) -> Link { (1..<count).reduce(Link(nil)) { link, _ in Link(link) } }
    var count = 0
    var next: Link? = try back(chain(250))
    while let link = next { (count, next) = (count + 1, link.next) }
    #expect(count == 250)
    #expect(throws: EncodingError.self) { try CodedValue.bytes(of: chain(2000)) }
    // In the parts of a class's parent, too.
    struct Nested: Encodable {
      var depth: Int
      func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingStepKey.self)
        try fields.encode(depth, forKey: .one)
        if depth > 0 { try Nested(depth: depth - 1).encode(to: fields.superEncoder()) }
      }
    }
    #expect(throws: Never.self) { try CodedValue.bytes(of: Nested(depth: 400)) }
    do {
      _ = try CodedValue.bytes(of: Nested(depth: 100_000))
      Issue.record("a stack was deep enough")
    } catch EncodingError.invalidValue(_, let context) {
      #expect(context.debugDescription.contains("more than 512 others"))
    }
  }

  /// Nor may bytes that were never written take it.
  @Test func bytesThatLieTooDeepAreAnError() throws {
    let shallow = try CodedValue.bytes(of: Link(nil))
    let deep = try CodedValue.bytes(of: Link(Link(nil)))
    // An item around another, and the table of keys.
    let around = deep.count - shallow.count
    let (last, table) = (Array(deep.suffix(shallow.count).dropLast(8).prefix(9)), deep[(around + 9)..<(deep.count - 8)])
    var bytes = last
    for _ in 0..<20_000 { bytes = [deep[0]] + withUnsafeBytes(of: bytes.count + 1) { Array($0) } + [1] + bytes }
    let offset = bytes.count
    bytes += table
    bytes += withUnsafeBytes(of: offset) { Array($0) }
    #expect(throws: MusterError.self) { try CodedValue.value(Link.self, from: bytes) }
  }

  /// Bytes that were cut short or changed are an error or another value, and nothing is read beyond them.
  @Test func damagedBytesAreAnError() throws {
    let value = station(1)
    let bytes = try CodedValue.bytes(of: value)
    for length in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: (any Error).self) { try CodedValue.value(Station.self, from: Array(bytes.prefix(length))) }
    }
    for seed in 0..<3000 {
      var generator = SeededGenerator(state: UInt64(seed))
      var changed = bytes
      for _ in 0..<3 {
        changed[Int.random(in: 0..<changed.count, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      _ = try? CodedValue.value(Station.self, from: changed)
    }
    // What looks like a length or a count becomes the largest there is, and a small one, wherever it is.
    for place in 0..<bytes.count - 8 {
      for number in [Int.max, -1, .min, 1 << 40, 0, 3] {
        let changed = bytes[..<place] + withUnsafeBytes(of: number) { Array($0) } + bytes[(place + 8)...]
        _ = try? CodedValue.value(Station.self, from: Array(changed))
      }
    }
  }

  /// Damage is never taken for something that wasn't there.
  @Test func damagedFieldsAreNoMissingOnes() throws {
    struct Two: Codable, Equatable {
      var a: Int?
      var b: Int?
    }
    let bytes = try CodedValue.bytes(of: Two(a: 1, b: 2))
    // The first field's key.
    for key in UInt8(3)...200 {
      var changed = bytes
      changed[9] = key
      #expect(throws: (any Error).self) { try CodedValue.value(Two.self, from: changed) }
    }
    let dictionary = try CodedValue.bytes(of: ["a": 1, "b": 2])
    for key in UInt8(3)...200 {
      var changed = dictionary
      changed[9] = key
      #expect(throws: (any Error).self) { try CodedValue.value([String: Int].self, from: changed) }
    }
  }

  /// Arrays of numbers in a struct are there as they are: nothing is added for each.
  @Test func arraysOfNumbersTakeTheirBytes() throws {
    struct Series: Codable { var numbers: [Float] }
    #expect(try CodedValue.bytes(of: Series(numbers: [Float](repeating: 1, count: 1000))).count < 4000 + 64)
    #expect(try CodedValue.bytes(of: [Series](repeating: Series(numbers: []), count: 1000)).count < 1000 * 24)
    struct Small: Codable {
      var a: UInt8
      var b: Int32
      var c: Int
      var d: Bool
    }
    #expect(
      try CodedValue.bytes(of: [Small](repeating: Small(a: 200, b: -1, c: 5, d: true), count: 1000)).count < 1000 * 24)
    #expect(try CodedValue.bytes(of: Set<UInt16>(0..<1000)).count < 1000 * 3 + 64)
  }
}
