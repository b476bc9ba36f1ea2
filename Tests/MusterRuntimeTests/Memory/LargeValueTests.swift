import Foundation
import MusterRuntime
import Synchronization
import Testing

/// A value in its `Codable` form as a block, as tasks' values are.
private struct CodedBlock<Value: Codable & Sendable>: Block {
  var value: Value
  var byteCount: Int { ValueSize.bytes(of: value) }
  func encode(into encoder: inout BlockEncoder) {
    CodedValue.encode(value, byteCount: byteCount, into: &encoder)
  }
  static func decode(from decoder: inout BlockDecoder) throws -> CodedBlock {
    CodedBlock(value: try CodedValue.decode(Value.self, from: &decoder))
  }
}

/// Many numbers in a value go to disk from their own memory, and come back to it.
struct LargeValueTests {
  private func back<Value: Codable & Sendable>(_ value: Value) throws -> Value {
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": FileManager.default.currentDirectoryPath + "/.build"])
    let place = try #require(try disk.places([CodedBlock(value: value)]).first)
    return try #require(try disk.block(place, as: CodedBlock<Value>.self)).value
  }

  private struct Field: Codable, Equatable {
    var name: String
    var values: [Double]
    var next: [Field]
    var counts: [Int32]
    var bytes: Data
    var marks: [Bool]
    var few: [UInt16]
  }

  /// Around what goes apart, what is copied at a time, and what goes as it is copied.
  @Test(arguments: [32 << 10, (32 << 10) - 1, (512 << 10) + 3, (1 << 20) - 1, 1 << 20, (3 << 20) + 5])
  func arraysOfNumbersComeBack(count: Int) throws {
    let inner = Field(
      name: "inner", values: (0..<count).map { Double($0) / 3 }, next: [], counts: [1, 2],
      bytes: Data((0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }), marks: (0..<count).map { $0 % 3 == 0 },
      few: [3])
    let value = Field(
      name: "outer", values: [0.5], next: [inner, inner], counts: (0..<Int32(count)).map { $0 &* 77 }, bytes: Data(),
      marks: [true], few: [])
    #expect(try back(value) == value)
  }

  @Test func dataComesBack() throws {
    let data = Data((0..<10_000_001).map { UInt8(truncatingIfNeeded: $0 >> 8 &+ $0) })
    #expect(try back(data) == data)
    let part = data[5_000_001...]
    #expect(try back(part) == part)
  }

  /// Reads its numbers again and again: as they are, as others, one by one, and as others once more.
  private struct Curious: Codable, Equatable {
    var numbers: [Int32]

    enum Key: CodingKey { case numbers }
    init(numbers: [Int32]) { self.numbers = numbers }
    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      func readAll() throws {
        #expect((try? fields.decode([String].self, forKey: .numbers)) == nil)
        numbers = try fields.decode([Int32].self, forKey: .numbers)
        let bits = try fields.decode([Int32].self, forKey: .numbers)
        #expect(bits == numbers)
        var list = try fields.nestedUnkeyedContainer(forKey: .numbers)
        #expect(list.count == numbers.count)
        let first = try (list.decode(Int32.self), list.decode(UInt8.self), list.decode(Int128.self))
        #expect(first == (numbers[0], UInt8(numbers[1]), Int128(numbers[2])))
      }
      numbers = []
      try readAll()
      let wide = try fields.decode([Double].self, forKey: .numbers)
      #expect(wide.count == numbers.count && wide.last == numbers.last.map { Double($0) })
      try readAll()
    }
  }

  @Test func numbersThatAreReadMoreThanOnce() throws {
    let value = Curious(numbers: (0..<2_200_000).map { $0 &* 5 })
    #expect(try back(value) == value)
  }

  private struct Particle: Codable, Equatable, Sendable {
    var x: Double
    var cell: Int32
    var isAlive: Bool
    init(_ number: Int) { (x, cell, isAlive) = (Double(number) / 3, Int32(number), number % 2 == 0) }
  }
  private struct Cell: Codable, Equatable, Sendable { var cell: Int }
  private struct Twin: Codable, Equatable, Sendable {
    var x: Double
    var cell: Int32
    var isAlive: Bool
  }
  private struct Cloud: Codable, Equatable, Sendable {
    var name = "cloud"
    var particles: [Particle]
  }

  /// Around what goes apart.
  @Test(arguments: [16_383, 16_384, 1_000_003]) func arraysOfStructsComeBack(count: Int) throws {
    let value = Cloud(particles: (0..<count).map { Particle($0) })
    #expect(try back(value) == value)
  }

  /// The same of structs, and as structs that have other fields.
  private struct CuriousCloud: Codable, Equatable {
    var particles: [Particle]

    enum Key: CodingKey { case particles }
    init(_ particles: [Particle]) { self.particles = particles }
    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      func readAll() throws {
        #expect((try? fields.decode([Int].self, forKey: .particles)) == nil)
        var list = try fields.nestedUnkeyedContainer(forKey: .particles)
        #expect(try list.decode(Particle.self) == Particle(0) && list.decode(Cell.self) == Cell(cell: 1))
        particles = try fields.decode([Particle].self, forKey: .particles)
        let twins = try fields.decode([Twin].self, forKey: .particles)
        #expect(twins == particles.map { Twin(x: $0.x, cell: $0.cell, isAlive: $0.isAlive) })
      }
      particles = []
      try readAll()
      let cells = try fields.decode([Cell].self, forKey: .particles)
      #expect(cells == particles.map { Cell(cell: Int($0.cell)) })
      try readAll()
    }
  }

  @Test func structsThatAreReadMoreThanOnce() throws {
    let value = CuriousCloud((0..<600_000).map { Particle($0) })
    #expect(try back(value) == value)
  }

  // MARK: Damage

  /// What a coded value is on disk.
  private struct Parts: Block {
    var bytes: [UInt8]
    var bulk: [BlockStorage]
    var byteCount: Int { bytes.count + bulk.reduce(0) { $0 + $1.byteCount } }
    func encode(into encoder: inout BlockEncoder) {
      encoder.append(true)
      encoder.append(false)
      encoder.append(bytes: bytes)
      encoder.append(bulk.count)
      for part in bulk { encoder.append(part, byteCount: part.byteCount) }
    }
    static func decode(from decoder: inout BlockDecoder) throws -> Parts {
      guard try decoder.read(Bool.self), try !decoder.read(Bool.self) else { throw CocoaError(.coderInvalidValue) }
      let bytes = try decoder.readBytes()
      return Parts(bytes: bytes, bulk: try (0..<(try decoder.read(Int.self))).map { _ in try decoder.readStorage() })
    }
  }
  private struct Clouds: Codable, Equatable {
    var first: [Particle]
    var second: [Particle]
    var numbers: [Double]
  }

  /// Whatever comes, it is an error or a value.
  @Test func damagedPartsAreAnError() throws {
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": FileManager.default.currentDirectoryPath + "/.build"])
    let value = Clouds(
      first: (0..<20_000).map { Particle($0) }, second: (0..<30_000).map { Particle(-$0) },
      numbers: [Double](repeating: 7, count: 40_000))
    func come<B: Block>(_ block: any Block, as type: B.Type) throws -> B {
      let place = try #require(try disk.places([block]).first)
      defer { disk.spiller.discard(place) }
      switch try disk.read(place, as: type) {
      case .loaded(_, let block): return try #require(block as? B)
      case .loadFailed(_, _, let error): throw error
      case let other: throw ModelViolation(description: "\(other)")
      }
    }
    func back(_ parts: Parts) throws -> Clouds { try come(parts, as: CodedBlock<Clouds>.self).value }
    let parts = try come(CodedBlock(value: value), as: Parts.self)
    #expect(parts.bulk.map(\.byteCount) == [320_000, 480_000, 320_000])
    #expect(try back(parts) == value)

    var changed = parts
    changed.bulk.swapAt(0, 1)
    #expect(throws: MusterError.self) { try back(changed) }
    changed.bulk = [parts.bulk[0], parts.bulk[1]]
    #expect(throws: MusterError.self) { try back(changed) }
    changed.bulk = [parts.bulk[0], parts.bulk[1], BlockStorage(byteCount: 319_999)]
    #expect(throws: MusterError.self) { try back(changed) }
    // A `Bool` that is neither.
    let flags = BlockStorage(byteCount: 320_000)
    flags.bytes.copyMemory(from: parts.bulk[0].bytes, byteCount: flags.byteCount)
    let place = try #require(MemoryLayout<Particle>.offset(of: \.isAlive))
    flags.bytes.storeBytes(of: 2, toByteOffset: 16 * 777 + place, as: UInt8.self)
    changed.bulk = [flags, parts.bulk[1], parts.bulk[2]]
    #expect(throws: MusterError.self) { try back(changed) }

    var generator = SeededGenerator(state: 3)
    for _ in 0..<300 {
      var changed = parts
      for _ in 0..<2 {
        let place = Int.random(in: changed.bytes.indices, using: &generator)
        changed.bytes[place] = .random(in: 0...255, using: &generator)
      }
      do { _ = try back(changed) } catch let error as MusterError { #expect(!error.message.isEmpty) }
    }
  }

  /// Changes its array as soon as that has been lent.
  private struct ChangingBlock: Block {
    final class Numbers: Sendable {
      let values = Mutex([Double](repeating: 1, count: 2_000_000))
    }
    var numbers = Numbers()
    var byteCount: Int { 16_000_000 }
    func encode(into encoder: inout BlockEncoder) {
      numbers.values.withLock { values in
        CodedValue.encode(values, byteCount: byteCount, into: &encoder)
        for place in values.indices { values[place] = 2 }
      }
    }
    static func decode(from decoder: inout BlockDecoder) throws -> ChangingBlock {
      let block = ChangingBlock()
      let values = try CodedValue.decode([Double].self, from: &decoder)
      block.numbers.values.withLock { $0 = values }
      return block
    }
  }

  @Test func whatIsLentStaysAsItWas() throws {
    let block = ChangingBlock()
    let disk = SpillerUnderTest(["MUSTER_SCRATCH": FileManager.default.currentDirectoryPath + "/.build"])
    let place = try #require(try disk.places([block]).first)
    let came = try #require(try disk.block(place, as: ChangingBlock.self))
    #expect(block.numbers.values.withLock { $0.allSatisfy { $0 == 2 } })
    #expect(came.numbers.values.withLock { $0.allSatisfy { $0 == 1 } })
  }

  /// Written as something else than what it is in memory.
  private struct Labelled: Codable {
    var number: Int
    enum CodingKeys: String, CodingKey { case number = "label" }
  }
  private struct Pair: Codable {
    var first: Double
    var second: Double
    init() { (first, second) = (0, 0) }
    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      (first, second) = (try list.decode(Double.self), try list.decode(Double.self))
    }
    func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      try list.encode(first)
      try list.encode(second)
    }
  }

  /// What is copied is known: all of a list of texts, and of structs that are coded as something else than their memory;
  /// nothing of numbers.
  @Test func whatIsCopiedIsKnown() {
    func isCopied<T: Codable>(_ value: T) -> Bool {
      let held = ValueSize.held(byCoded: value)
      #expect(held.byteCount == ValueSize.bytes(of: value))
      #expect(held.copied == 0 || held.copied == held.byteCount)
      return held.copied > 0
    }
    let texts = (0..<10_000).map { "a text of some length, number \($0)" }
    let numbers = [Double](repeating: 0, count: 100_000)
    #expect(isCopied(texts))
    #expect(!isCopied(["a": numbers, "b": numbers]))
    #expect(!isCopied(["a": Data(count: 1 << 20)]))
    #expect(!isCopied(Cloud(particles: (0..<100_000).map { Particle($0) })))
    #expect(isCopied(["a": [Labelled](repeating: Labelled(number: 7), count: 200_000)]))
    #expect(isCopied(["a": [Pair](repeating: Pair(), count: 200_000)]))
    // What is too little to go by itself is copied; up to a quarter of all isn't worth room.
    let few = Array(numbers.prefix(30_000))
    #expect(!isCopied(["a": numbers, "b": few]))
    #expect(isCopied(["a": numbers, "b": few, "c": few]))
  }

  /// Calls the session whenever somebody looks into it.
  private struct Asking: Codable, CustomReflectable {
    static let session = Mutex<Session?>(nil)
    var texts: [String]
    var customMirror: Mirror {
      _ = Self.session.withLock { $0 }?.graphCounts
      return Mirror(self, children: ["texts": texts])
    }
  }

  /// Values are looked into where no lock is held.
  @Test(.timeLimit(.minutes(2))) func aValueMayCallTheSession() async throws {
    let configuration = SessionConfiguration(
      backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none, memoryLimit: 20 << 20)
    try await Session.run(configuration) { session in
      Asking.session.withLock { $0 = session }
      defer { Asking.session.withLock { $0 = nil } }
      let made = try session.submit { Asking(texts: (0..<20_000).map { "a text of some length, number \($0)" }) }
      let count = try await session.submit(made) { $0.texts.count }.value()
      #expect(count == 20_000)
    }
  }
}
