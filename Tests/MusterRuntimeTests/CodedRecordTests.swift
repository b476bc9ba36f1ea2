import Foundation
import MusterRuntime
import Testing

/// Arrays of structs of numbers within values: they go as their memory, where that is what their coding says.
@Suite struct CodedRecordTests {
  private struct Spin: Codable, Equatable {
    var up: Int8
    var down: Int64
  }
  private struct Charge: RawRepresentable, Codable, Equatable { var rawValue: UInt16 }
  private struct Particle: Codable, Equatable {
    var x: Double
    var y: Float
    var isAlive: Bool
    var spin: Spin
    var charge: Charge
    var cell: UInt64
    var when: Date

    init(_ number: Int) {
      x = Double(number) / 7
      y = number % 5 == 0 ? -.infinity : Float(number)
      isAlive = number % 3 == 0
      spin = Spin(up: Int8(truncatingIfNeeded: number), down: -Int64(number))
      charge = Charge(rawValue: UInt16(truncatingIfNeeded: number * 77))
      cell = .max - UInt64(number)
      when = Date(timeIntervalSinceReferenceDate: Double(number))
    }
  }
  private struct Cloud<Element: Codable & Equatable & Sendable>: Codable, Equatable {
    var name: String
    var elements: [Element]
    var mass: Double
  }

  private func bytes(_ value: some Codable) throws -> [UInt8] { try CodedValue.bytes(of: value) }
  private func back<T: Encodable, Other: Decodable>(_ value: T, as type: Other.Type) throws -> Other {
    try CodedValue.value(type, from: CodedValue.bytes(of: value))
  }
  private func cloud<Element>(_ count: Int, _ make: (Int) -> Element) -> Cloud<Element> {
    Cloud(name: "cloud", elements: (0..<count).map(make), mass: 1.5)
  }

  /// Whether an array's memory is in the bytes that are written of it.
  private func goesAsItsMemory<Element: Codable>(_ elements: [Element]) throws -> Bool {
    let coded = Data(try bytes(elements))
    return elements.withUnsafeBytes { coded.range(of: Data($0)) != nil }
  }

  @Test func structsOfNumbersTakeTheirBytes() throws {
    let value = cloud(5000) { Particle($0) }
    #expect(try goesAsItsMemory(value.elements))
    #expect(try bytes(value).count < 5000 * MemoryLayout<Particle>.stride + 512)
    #expect(try back(value, as: Cloud<Particle>.self) == value)
    #expect(try back(value.elements, as: [Particle].self) == value.elements)
    #expect(try back(["a": value], as: [String: Cloud<Particle>].self) == ["a": value])
  }

  /// What it takes to say how they are read is more than a few take.
  @Test(arguments: [0, 1, 31, 1023, 1024, 1025, 1055, 2048]) func fewAndMany(count: Int) throws {
    let value = cloud(count) { Particle($0) }
    #expect(try back(value, as: Cloud<Particle>.self) == value)
    if count > 0 { #expect(try goesAsItsMemory(value.elements) == (count >= 1024)) }
  }

  private struct Couple<First: Codable & Equatable, Second: Codable & Equatable>: Codable, Equatable {
    var first: First
    var second: Second
  }
  private enum Kind: Int, Codable { case star, planet }
  /// What it wraps has a name of its own in memory, another one than in its coding.
  @propertyWrapper private struct Wrapped<Value: Codable & Equatable>: Codable, Equatable { var wrappedValue: Value }
  private struct WithWrapped: Codable, Equatable { @Wrapped var mass: Double }

  @Test func otherStructsOfNumbersGoAsTheirMemoryToo() throws {
    func expectMemory<Element: Codable & Equatable>(_ make: (Int) -> Element) throws {
      let elements = (0..<2000).map(make)
      #expect(try goesAsItsMemory(elements), "\(Element.self)")
      #expect(try back(elements, as: [Element].self) == elements)
    }
    try expectMemory { Couple(first: Double($0), second: Int8(truncatingIfNeeded: $0)) }
    try expectMemory { Couple(first: Couple(first: Int64($0), second: Float($0)), second: Int64(-$0)) }
    try expectMemory { Charge(rawValue: UInt16(truncatingIfNeeded: $0)) }
    try expectMemory { Date(timeIntervalSinceReferenceDate: Double($0)) }
  }

  @Test func whatHasMoreThanNumbersComesBack() throws {
    func expectBack<Element: Codable & Equatable>(_ make: (Int) -> Element) throws {
      let elements = (0..<2000).map { Couple(first: Double($0), second: make($0)) }
      #expect(try back(elements, as: [Couple<Double, Element>].self) == elements)
    }
    try expectBack { Kind(rawValue: $0 % 2) }
    try expectBack { Kind(rawValue: $0 % 2)! }
    try expectBack { Int128($0) << 70 }
    try expectBack { SIMD4<Float>(1, 2, Float($0), 4) }
    try expectBack { Duration.milliseconds($0) }
    try expectBack { $0..<$0 + 5 }
    try expectBack { number in UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, UInt8(number % 200))) }
    try expectBack { WithWrapped(mass: Double($0)) }
    try expectBack { Decimal($0) / 7 }
    try expectBack { "\($0)" }
    #if arch(arm64)
      try expectBack { Float16($0) }
    #endif
  }

  @Test func numbersKeepTheirBits() throws {
    struct Bits: Codable, Equatable {
      var a: Double
      var b: Float
    }
    let value = cloud(2000) { number in
      Bits(
        a: Double(nan: UInt64(number), signaling: false), b: number % 2 == 0 ? -0.0 : Float(nan: 77, signaling: false))
    }
    let other = try back(value, as: Cloud<Bits>.self)
    #expect(zip(other.elements, value.elements).allSatisfy { $0.a.bitPattern == $1.a.bitPattern })
    #expect(zip(other.elements, value.elements).allSatisfy { $0.b.bitPattern == $1.b.bitPattern })
  }

  // MARK: Read as something else

  private struct Point: Codable, Equatable {
    var x: Double
    var y: Double
    var kind: Int32
  }
  private struct Turned: Codable, Equatable {
    var kind: Int
    var y: Double
    var x: Double
  }
  private struct Renamed: Codable, Equatable {
    var y: Double
    var x: Double
    var kind: Int32
  }
  private struct Part: Codable, Equatable {
    var y: Double
    var z: Double?
  }
  private struct OneByOne: Codable, Equatable {
    var elements: [Point]
    enum Key: CodingKey { case name, elements, mass }
    init(from decoder: any Decoder) throws {
      var list = try decoder.container(keyedBy: Key.self).nestedUnkeyedContainer(forKey: .elements)
      elements = []
      while !list.isAtEnd { elements.append(try list.decode(Point.self)) }
    }
    func encode(to encoder: any Encoder) throws {}
  }
  /// Tries what it isn't first.
  private enum Either: Codable {
    case renamed([Renamed])
    case points([Point])
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if (try? container.decode([String].self)) != nil { throw CocoaError(.coderInvalidValue) }
      _ = try container.decode([Renamed].self)
      self = .points(try container.decode([Point].self))
    }
    func encode(to encoder: any Encoder) throws {
      if case .points(let points) = self {
        var container = encoder.singleValueContainer()
        try container.encode(points)
      }
    }
  }

  /// In memory they are of other types: by their names they are found all the same.
  @Test func otherTypesFindTheirFields() throws {
    let value = cloud(3000) { Point(x: Double($0) + 0.5, y: -Double($0), kind: Int32($0)) }
    let points = value.elements
    #expect(
      try back(value, as: Cloud<Turned>.self).elements
        == points.map { Turned(kind: Int($0.kind), y: $0.y, x: $0.x) })
    #expect(
      try back(value, as: Cloud<Renamed>.self).elements == points.map { Renamed(y: $0.y, x: $0.x, kind: $0.kind) })
    #expect(try back(value, as: Cloud<Part>.self).elements == points.map { Part(y: $0.y, z: nil) })
    #expect(
      try back(points, as: [[String: Double]].self) == points.map { ["x": $0.x, "y": $0.y, "kind": Double($0.kind)] })
    #expect(try back(value, as: OneByOne.self).elements == points)
    guard case .points(let found) = try back(Either.points(points), as: Either.self) else {
      Issue.record("it is something else")
      return
    }
    #expect(found == points)
    #expect(throws: DecodingError.self) { try back(points, as: [String].self) }
    #expect(throws: DecodingError.self) { try back(points, as: [Spin].self) }
  }

  /// Reads no number above 100, and writes what it has.
  private struct Clamped: Codable, Equatable {
    var number: Int
    init(number: Int) { self.number = number }
    init(from decoder: any Decoder) throws {
      enum Key: CodingKey { case number }
      number = min(100, try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: .number))
    }
  }
  private struct Numbered: Codable, Equatable { var number: Int }

  /// Of what another type has written as many are looked at as where it was written: the first one says too little.
  @Test func anotherTypeReadsInItsOwnWay() throws {
    let value = cloud(3000) { Numbered(number: $0) }
    let clamped = try back(value, as: Cloud<Clamped>.self)
    #expect(clamped.elements == (0..<3000).map { Clamped(number: min(100, $0)) })
  }

  // MARK: Coding of a type's own

  /// On another rank the number means something else than here.
  private struct Species: Codable, Equatable {
    var number: Int
    init(_ number: Int) { self.number = number }
    init(from decoder: any Decoder) throws {
      number = -Int(try decoder.singleValueContainer().decode(String.self).dropFirst())!
    }
    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode("s\(number)")
    }
  }
  /// Its coding is its memory for the first ones.
  private struct Shifted: Codable, Equatable {
    var number: Int
    init(_ number: Int) { self.number = number }
    enum Key: CodingKey { case number }
    init(from decoder: any Decoder) throws {
      number = -(try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: .number))
    }
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(number < 1000 ? number : number + 1, forKey: .number)
    }
  }
  /// Written as what it is, and read as something else.
  private struct Negated: Codable, Equatable {
    var number: Int
    init(_ number: Int) { self.number = number }
    enum Key: CodingKey { case number }
    init(from decoder: any Decoder) throws {
      number = -(try decoder.container(keyedBy: Key.self).decode(Int.self, forKey: .number))
    }
  }
  /// The first of each row is a number, the others are texts.
  private struct InRows: Codable, Equatable {
    var number: Int
    init(_ number: Int) { self.number = number }
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        number = -Int(text)!
      } else {
        number = try container.decode(Int.self)
      }
    }
    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      if number % 1024 == 0 { try container.encode(number) } else { try container.encode("\(number)") }
    }
  }
  private struct OtherOrder: Codable, Equatable {
    var x = 0.0
    var y = 0.0
    enum CodingKeys: String, CodingKey {
      case x = "y"
      case y = "x"
    }
  }
  private struct WithOne: Codable, Equatable {
    var x = 1.0
    var cached = 2.0
    enum CodingKeys: CodingKey { case x }
  }
  private struct Maybe: Codable, Equatable {
    var x: Double?
    var isKnown = true
  }

  @Test func whatATypeWritesOfItsOwnIsWritten() throws {
    #expect(
      try back(cloud(3000) { Species($0) }, as: Cloud<Species>.self).elements == (0..<3000).map { Species(-$0) })
    let shifted = try back(cloud(3000) { Shifted($0) }, as: Cloud<Shifted>.self).elements
    #expect(shifted == (0..<3000).map { Shifted($0 < 1000 ? -$0 : -$0 - 1) })
    let negated = try back(cloud(3000) { Negated($0) }, as: Cloud<Negated>.self).elements
    #expect(negated == (0..<3000).map { Negated(-$0) })
    let rows = try back(cloud(32 * 1024) { InRows($0) }, as: Cloud<InRows>.self).elements
    #expect(rows == (0..<32 * 1024).map { InRows($0 % 1024 == 0 ? $0 : -$0) })
    let other = cloud(3000) { OtherOrder(x: Double($0), y: 0) }
    #expect(try back(other, as: Cloud<OtherOrder>.self) == other)
    #expect(try !goesAsItsMemory(other.elements))
    // All are the same, and what has the name `y` is x.
    let same = try back(cloud(3000) { _ in OtherOrder() }, as: Cloud<Part>.self)
    #expect(same.elements == [Part](repeating: Part(y: 0, z: nil), count: 3000))
    let some = try back(cloud(3000) { WithOne(x: Double($0), cached: 5) }, as: Cloud<WithOne>.self)
    #expect(some.elements == (0..<3000).map { WithOne(x: Double($0)) })
    let maybe = cloud(3000) { Maybe(x: $0 % 2 == 0 ? nil : 1) }
    #expect(try back(maybe, as: Cloud<Maybe>.self) == maybe)
    #expect(try !goesAsItsMemory(maybe.elements) && !goesAsItsMemory(some.elements))
  }

  // MARK: Damage

  @Test func damagedBytesAreAnError() throws {
    let value = cloud(1024) { Particle($0) }
    let bytes = try bytes(value)
    for length in Array(0..<300) + Array(stride(from: 300, to: bytes.count, by: 977)) {
      #expect(throws: (any Error).self) {
        try CodedValue.value(Cloud<Particle>.self, from: Array(bytes.prefix(length)))
      }
    }
    var generator = SeededGenerator(state: 1)
    for _ in 0..<3000 {
      var changed = bytes
      for _ in 0..<3 {
        changed[Int.random(in: 0..<400, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      _ = try? CodedValue.value(Cloud<Particle>.self, from: changed)
      _ = try? CodedValue.value(Cloud<Point>.self, from: changed)
    }
    for place in 0..<400 {
      for number in [Int.max, -1, .min, 1 << 40, 0, 3] {
        let changed = bytes[..<place] + withUnsafeBytes(of: number) { Array($0) } + bytes[(place + 8)...]
        _ = try? CodedValue.value(Cloud<Particle>.self, from: Array(changed))
        _ = try? CodedValue.value(Cloud<Point>.self, from: Array(changed))
      }
    }
  }

  /// No `Bool` comes to be that is neither.
  @Test func aDamagedBoolIsAnError() throws {
    struct Flag: Codable, Equatable {
      var isOn: Bool
      var isLit: Bool
    }
    let bytes = try bytes([Flag](repeating: Flag(isOn: true, isLit: false), count: 2000))
    #expect(try CodedValue.value([Flag].self, from: bytes).count == 2000)
    let pair: [UInt8] = [1, 0, 1, 0, 1, 0, 1, 0]
    let start = try #require((0..<bytes.count - 8).first { Array(bytes[$0..<$0 + 8]) == pair })
    var changed = bytes
    changed[start + 101] = 2
    #expect(throws: MusterError.self) { try CodedValue.value([Flag].self, from: changed) }
  }
}
