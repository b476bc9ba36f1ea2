import ComplexModule
import Foundation
import MusterArrays
import MusterSimulation
import Testing

/// The figures that `Tests/Reference/make_ndarray.py` wrote into the folder that `MUSTER_REFERENCE` names.
struct ReferenceData {
  private struct Entry: Decodable {
    var name: String
    var file: String
    var type: String
    var shape: [Int]
  }

  private let folder: URL
  private let entries: [String: Entry]

  init() throws {
    let path = try #require(
      ProcessInfo.processInfo.environment["MUSTER_REFERENCE"],
      "MUSTER_REFERENCE must name the folder of reference figures: run the tests through `make test`")
    folder = URL(fileURLWithPath: path).appendingPathComponent("ndarray")
    let index = try Data(contentsOf: folder.appendingPathComponent("index.json"))
    entries = Dictionary(
      uniqueKeysWithValues: try JSONDecoder().decode([Entry].self, from: index).map { ($0.name, $0) })
  }

  /// The names with a prefix, sorted.
  func names(_ prefix: String) -> [String] { entries.keys.filter { $0.hasPrefix(prefix) }.sorted() }

  /// An array; its element type is checked.
  func array<Element: ArrayElement>(_ name: String, as type: Element.Type = Element.self) throws -> NDArray<Element> {
    let entry = try #require(entries[name], "no reference figures named \(name)")
    let types: [String: ElementType] = [
      "float64": .float64, "float32": .float32, "int8": .int8, "int16": .int16, "int32": .int32, "int64": .int64,
      "uint8": .uint8, "uint16": .uint16, "uint32": .uint32, "uint64": .uint64, "complex128": .complex128,
    ]
    #expect(types[entry.type] == Element.elementType)
    let data = try Data(contentsOf: folder.appendingPathComponent(entry.file))
    return NDArray<Element>(shape: entry.shape) { buffer in
      #expect(data.count == buffer.count * MemoryLayout<Element>.stride)
      _ = data.copyBytes(to: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}

// Numbers, shapes and arrays from a seed.
extension SplitMix64 {
  mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: values.indices, using: &self)] }

  /// Up to four dimensions, at most `limit` elements, some sizes around those of tiles.
  mutating func shape(limit: Int = 6000) -> [Int] {
    var shape: [Int] = []
    var count = 1
    for _ in 0..<Int.random(in: 0...4, using: &self) {
      let size = pick([0, 1, 1, 2, 3, 5, 17, 31, 33, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1025])
      if size == 0, !Bool.random(using: &self) { continue }
      if count * size <= limit {
        shape.append(size)
        count *= size
      }
    }
    return shape.shuffled(using: &self)
  }

  /// A shape that broadcasts to another.
  mutating func operand(of shape: [Int]) -> [Int] {
    var result = shape.map { Int.random(in: 0..<3, using: &self) == 0 ? 1 : $0 }
    if Int.random(in: 0..<3, using: &self) == 0 {
      result.removeFirst(Int.random(in: 0...result.count, using: &self))
    }
    return result
  }

  /// Elements with some of every kind: zero, extremes, not finite, small integers, anything.
  mutating func elements(_ type: ElementType, _ shape: [Int]) -> AnyNDArray {
    switch type {
    case .float64: AnyNDArray.of(shape) { (_: Int) in double() }
    case .float32: AnyNDArray.of(shape) { (_: Int) in Float(double()) }
    case .int8: integers(shape, as: Int8.self)
    case .int16: integers(shape, as: Int16.self)
    case .int32: integers(shape, as: Int32.self)
    case .int64: integers(shape, as: Int64.self)
    case .uint8: integers(shape, as: UInt8.self)
    case .uint16: integers(shape, as: UInt16.self)
    case .uint32: integers(shape, as: UInt32.self)
    case .uint64: integers(shape, as: UInt64.self)
    case .bool: AnyNDArray.of(shape) { (_: Int) in Bool.random(using: &self) }
    case .complex128: AnyNDArray.of(shape) { (_: Int) in Complex(double(), double()) }
    case .complex64: AnyNDArray.of(shape) { (_: Int) in Complex(Float(double()), Float(double())) }
    }
  }

  private mutating func double() -> Double {
    switch Int.random(in: 0..<12, using: &self) {
    case 0: pick([0, -0.0, .infinity, -.infinity, .nan, 1e300, -1e-300, 0x1p-1030, 0.5, 1.5, 2.5, -0.5])
    case 1: Double(Int.random(in: -300...300, using: &self))
    case 2: Double.random(in: -1e10...1e10, using: &self)
    default: Double.random(in: -4...4, using: &self)
    }
  }

  private mutating func integers<T: FixedWidthInteger & ArrayElement>(_ shape: [Int], as type: T.Type) -> AnyNDArray {
    AnyNDArray.of(shape) { (_: Int) -> T in
      switch Int.random(in: 0..<4, using: &self) {
      case 0: return pick([0, 1, .max, .min, .min + 1, .max - 1])
      case 1: return T.random(in: .min ... .max, using: &self)
      default: return T(truncatingIfNeeded: Int.random(in: -9...9, using: &self))
      }
    }
  }
}

extension AnyNDArray {
  /// An array whose elements a function of the position gives.
  static func of<Element: ArrayElement>(_ shape: [Int], _ element: (Int) -> Element) -> AnyNDArray {
    NDArray<Element>(shape: shape) { buffer in
      for index in buffer.indices { buffer.initializeElement(at: index, to: element(index)) }
    }.erased
  }

  /// The bytes of the elements.
  var bytes: [UInt8] {
    withExtendedLifetime(storage) { Array(UnsafeRawBufferPointer(start: storage.bytes, count: byteCount)) }
  }

  /// The element at a position in row-major order.
  func scalar(_ position: Int) -> ScalarValue {
    withExtendedLifetime(storage) {
      ScalarValue(elementType: elementType, bytes: storage.bytes + position * elementType.byteCount)
    }
  }
}

/// All indices of a shape in row-major order.
func indices(of shape: [Int]) -> [[Int]] {
  shape.reduce([[]]) { prefixes, size in prefixes.flatMap { prefix in (0..<size).map { prefix + [$0] } } }
}

/// The position in row-major order of the element that an index of a larger shape broadcasts to.
func position(_ index: [Int], in shape: [Int]) -> Int {
  zip(index.suffix(shape.count), shape).reduce(0) { $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0) }
}

/// How many representable numbers apart two doubles are; 0 for two NaN.
func ulps(_ a: Double, _ b: Double) -> UInt64 {
  if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? 0 : .max }
  func ordered(_ x: Double) -> Int64 {
    let bits = Int64(bitPattern: x.bitPattern)
    return bits < 0 ? Int64.min &- bits : bits
  }
  return (ordered(a).subtractingReportingOverflow(ordered(b)).partialValue).magnitude
}

/// How many representable numbers apart two floats are; 0 for two NaN.
func ulps(_ a: Float, _ b: Float) -> UInt64 {
  if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? 0 : .max }
  func ordered(_ x: Float) -> Int64 {
    let bits = Int32(bitPattern: x.bitPattern)
    return Int64(bits < 0 ? Int32.min &- bits : bits)
  }
  return (ordered(a) - ordered(b)).magnitude
}
