/// What a task yields: a value that can stay in memory on its worker, and cross to another as bytes.
///
/// A block is immutable once its task has returned it.
public protocol Block: Sendable {
  /// What the block holds in memory, in bytes.
  var byteCount: Int { get }

  /// What `encode(into:)` copies, in bytes: memory that it takes besides the block's own until it has been sent or written.
  /// 0 unless a type says otherwise. Asked for with locks held: it is to be known, not found out.
  var encodingByteCount: Int { get }

  /// Writes the block: small things into the encoder's header, bulk as storages, which are sent without a copy.
  func encode(into encoder: inout BlockEncoder)

  /// Reads what `encode(into:)` wrote, in the same order.
  ///
  /// - Throws: `MusterError` with code `internal` where the bytes aren't such a block's.
  static func decode(from decoder: inout BlockDecoder) throws -> Self
}

extension Block {
  /// 0: bulk goes as storages, without a copy.
  public var encodingByteCount: Int { 0 }
}

/// Collects the parts of a block on its way to another rank.
public struct BlockEncoder: Sendable {
  /// Bulk memory: `byteCount` bytes of a storage, from `offset` on.
  struct Segment: Sendable {
    var storage: BlockStorage
    var offset: Int
    var byteCount: Int
  }

  private(set) var header: [UInt8] = []
  private(set) var segments: [Segment] = []
  /// Why the block can't be encoded, where it can't: what is in the encoder then says so to a receiver, and is no block.
  var refusal: String?

  /// What of the bulk nobody else has: copies that the block's type has made for the encoder.
  mutating func copiedBytes() -> Int {
    segments.indices.reduce(0) { sum, place in
      let isCopy = !segments[place].storage.isLent && isKnownUniquelyReferenced(&segments[place].storage)
      return sum + (isCopy ? segments[place].storage.byteCount : 0)
    }
  }

  /// An encoder without parts.
  public init() {}

  /// Appends a bitwise-copyable value to the header.
  public mutating func append<T: BitwiseCopyable>(_ value: T) {
    withUnsafeBytes(of: value) { header.append(contentsOf: $0) }
  }

  /// Appends integers, their count first.
  public mutating func append(_ values: [Int]) {
    append(values.count)
    for value in values { append(value) }
  }

  /// Appends bytes, their count first.
  public mutating func append(bytes: [UInt8]) {
    append(bytes.count)
    header.append(contentsOf: bytes)
  }

  /// Appends bulk memory, sent without a copy: `byteCount` bytes of the storage from `offset` on.
  ///
  /// - Precondition: the bytes lie within the storage.
  public mutating func append(_ storage: BlockStorage, offset: Int = 0, byteCount: Int) {
    precondition(offset >= 0 && byteCount >= 0 && offset + byteCount <= storage.byteCount)
    segments.append(Segment(storage: storage, offset: offset, byteCount: byteCount))
  }
}

/// Gives the parts of a block back in the order in which they were encoded.
public struct BlockDecoder: Sendable {
  private let header: [UInt8]
  private var position = 0
  private var storages: [BlockStorage]
  private let isLast: Bool

  /// - Parameter isLast: Whether nobody else reads the storages, now or later, so that what was copied of one needn't stay.
  init(header: [UInt8], storages: [BlockStorage], isLast: Bool = false) {
    self.header = header
    self.storages = storages.reversed()
    self.isLast = isLast
  }

  /// The next bitwise-copyable value of the header; its type has to be the one that was appended.
  ///
  /// - Throws: `MusterError` with code `internal` where the header has fewer bytes left.
  public mutating func read<T: BitwiseCopyable>(_ type: T.Type) throws -> T {
    let size = MemoryLayout<T>.size
    guard position + size <= header.count else { throw Self.truncated }
    defer { position += size }
    return header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: T.self) }
  }

  /// The next integers, as `append(_:)` of an array of them wrote them.
  ///
  /// - Throws: `MusterError` with code `internal` where the header has fewer left than it says.
  public mutating func readInts() throws -> [Int] {
    let count = try read(Int.self)
    guard count >= 0, count <= (header.count - position) / MemoryLayout<Int>.size else { throw Self.truncated }
    return try (0..<count).map { _ in try read(Int.self) }
  }

  /// The next bytes, as `append(bytes:)` wrote them.
  ///
  /// - Throws: `MusterError` with code `internal` where the header has fewer left than it says.
  public mutating func readBytes() throws -> [UInt8] {
    let count = try read(Int.self)
    guard count >= 0, count <= header.count - position else { throw Self.truncated }
    defer { position += count }
    return Array(header[position..<position + count])
  }

  /// The next bulk memory; exactly as long as what was encoded.
  ///
  /// - Throws: `MusterError` with code `internal` where none is left.
  public mutating func readStorage() throws -> BlockStorage {
    guard let storage = storages.popLast() else { throw Self.truncated }
    return storage
  }

  /// The next bulk memory, to be copied from.
  ///
  /// - Throws: As `readStorage()`.
  mutating func readBulk() throws -> ArrivedBulk { ArrivedBulk(try readStorage(), isLast: isLast) }

  private static var truncated: MusterError {
    MusterError(.internal, "a block arrived with fewer parts than its type needs")
  }
}

/// The block of a task that is run for its effect: nothing.
public struct EmptyBlock: Block {
  /// The one value that there is.
  public init() {}
  /// 0.
  public var byteCount: Int { 0 }
  /// Writes nothing.
  public func encode(into encoder: inout BlockEncoder) {}
  /// Reads nothing, and never throws.
  public static func decode(from decoder: inout BlockDecoder) throws -> EmptyBlock { EmptyBlock() }
}
