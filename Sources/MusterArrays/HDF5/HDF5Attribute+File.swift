import CHDF5
import MusterRuntime

// All of it is called with the library's lock held.
extension HDF5Attribute {
  /// Attributes by which NetCDF and the dimension scales do their own book-keeping.
  private static func isBookkeeping(_ name: String) -> Bool {
    ["CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS"].contains(name)
      || name.hasPrefix("_Netcdf4")
  }

  /// The attributes of an object: those that a program or a person gave it, as far as they are strings and numbers.
  static func all(of object: chdf5_id, in path: String) throws -> [String: HDF5Attribute] {
    let count = chdf5_attribute_count(object)
    try HDF5Failure.check(count, "can't count the attributes", in: path)
    var result: [String: HDF5Attribute] = [:]
    for index in 0..<UInt32(count) {
      let attribute = try HDF5Identifier(chdf5_open_attribute(object, index), "attribute number \(index)", in: path)
      let name = HDF5Library.string { chdf5_attribute_name(attribute.id, $0, $1) }
      if isBookkeeping(name) { continue }
      result[name] = try read(attribute.id, name: name, path: path)
    }
    return result
  }

  /// The attribute's value; nil where it is neither strings nor numbers.
  private static func read(_ attribute: chdf5_id, name: String, path: String) throws -> HDF5Attribute? {
    let type = try HDF5Identifier(chdf5_attribute_type(attribute), "the type of the attribute \"\(name)\"", in: path)
    let space = try HDF5Identifier(chdf5_attribute_space(attribute), "the shape of the attribute \"\(name)\"", in: path)
    let isScalar = chdf5_space_extent(space.id) == .scalar
    let count = try HDF5Shape.of(space.id)?.reduce(1, *) ?? 0

    func numbers<T: BitwiseCopyable>(_ native: CHDF5Native, zero: T) throws -> [T] {
      let memoryType = try HDF5Identifier(chdf5_native_type(native), "a native type", in: path)
      var values = [T](repeating: zero, count: count)
      if count > 0 {
        try HDF5Failure.check(
          values.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { chdf5_read_attribute(attribute, memoryType.id, $0) } ?? 0
          }, "can't read the attribute \"\(name)\"", in: path)
      }
      return values
    }

    switch chdf5_type_class(type.id) {
    case .integer where chdf5_type_is_signed(type.id) || chdf5_type_size(type.id) < 8:
      let values = try numbers(.int64, zero: 0)
      return isScalar ? .int(values[0]) : .ints(values)
    case .integer:
      let values = try numbers(.uInt64, zero: UInt(0))
      if values.contains(where: { $0 > UInt(Int.max) }) {
        return isScalar ? .double(Double(values[0])) : .doubles(values.map { Double($0) })
      }
      return isScalar ? .int(Int(values[0])) : .ints(values.map { Int($0) })
    case .float where chdf5_type_size(type.id) <= 4:
      let values = try numbers(.float, zero: Float(0))
      return isScalar ? .float(values[0]) : .floats(values)
    case .float:
      let values = try numbers(.double, zero: 0.0)
      return isScalar ? .double(values[0]) : .doubles(values)
    case .string:
      let values = try strings(attribute, type: type.id, space: space.id, count: count, name: name, path: path)
      return isScalar ? .string(values[0]) : .strings(values)
    default:
      return nil
    }
  }

  private static func strings(
    _ attribute: chdf5_id, type: chdf5_id, space: chdf5_id, count: Int, name: String, path: String
  ) throws -> [String] {
    guard count > 0 else { return [] }
    if chdf5_string_is_variable(type) {
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      let result: Int32 = pointers.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { chdf5_read_attribute(attribute, type, $0) } ?? 0
      }
      try HDF5Failure.check(result, "can't read the attribute \"\(name)\"", in: path)
      let values = pointers.map { $0.map { String(cString: $0) } ?? "" }
      // The library allocated the strings.
      pointers.withUnsafeMutableBytes { buffer in
        if let start = buffer.baseAddress { chdf5_reclaim(type, space, start) }
      }
      return values
    }
    let size = chdf5_type_size(type)
    var bytes = [UInt8](repeating: 0, count: count * size)
    let result: Int32 = bytes.withUnsafeMutableBytes { buffer in
      buffer.baseAddress.map { chdf5_read_attribute(attribute, type, $0) } ?? 0
    }
    try HDF5Failure.check(result, "can't read the attribute \"\(name)\"", in: path)
    let padding = chdf5_string_padding(type)
    return (0..<count).map { index in
      var text = bytes[index * size..<(index + 1) * size]
      switch padding {
      case .nullTerminated: text = text.prefix { $0 != 0 }
      case .null: while text.last == 0 { text.removeLast() }
      case .space: while text.last == UInt8(ascii: " ") { text.removeLast() }
      }
      return String(decoding: text, as: UTF8.self)
    }
  }

  /// Gives an object the attribute.
  func write(to object: chdf5_id, name: String, path: String) throws {
    func put(_ type: borrowing HDF5Identifier, count: Int?, _ body: (chdf5_id) -> Int32) throws {
      let space = try HDF5Shape.space(count.map { [$0] } ?? [], path: path)
      let identifier = HDF5Identifier(chdf5_create_attribute(object, name, type.id, space.id))
      guard let attribute = consume identifier else {
        throw HDF5Failure.error("can't make the attribute \"\(name)\"", in: path)
      }
      try HDF5Failure.check(body(attribute.id), "can't write the attribute \"\(name)\"", in: path)
    }
    func numbers<T: BitwiseCopyable>(_ values: [T], _ native: CHDF5Native, isScalar: Bool) throws {
      let type = try HDF5Identifier(chdf5_native_type(native), "a native type", in: path)
      try put(type, count: isScalar ? nil : values.count) { attribute in
        values.withUnsafeBytes { buffer in
          buffer.isEmpty ? 0 : buffer.baseAddress.map { chdf5_write_attribute(attribute, type.id, $0) } ?? 0
        }
      }
    }
    func strings(_ values: [String], isScalar: Bool) throws {
      let type = try HDF5Identifier(chdf5_create_variable_utf8_string(), "the type of strings", in: path)
      // One buffer that holds all strings, each with its zero, and pointers into it.
      let texts = values.map { Array($0.utf8) + [0] }
      try put(type, count: isScalar ? nil : values.count) { attribute in
        texts.flatMap(\.self).withUnsafeBufferPointer { buffer in
          guard let start = buffer.baseAddress else { return 0 }
          var offset = 0
          let pointers: [UnsafePointer<UInt8>] = texts.map { text in
            defer { offset += text.count }
            return start + offset
          }
          return pointers.withUnsafeBytes { pointers in
            pointers.baseAddress.map { chdf5_write_attribute(attribute, type.id, $0) } ?? 0
          }
        }
      }
    }

    switch self {
    case .string(let value): try strings([value], isScalar: true)
    case .strings(let values): try strings(values, isScalar: false)
    case .int(let value): try numbers([value], .int64, isScalar: true)
    case .ints(let values): try numbers(values, .int64, isScalar: false)
    case .double(let value): try numbers([value], .double, isScalar: true)
    case .doubles(let values): try numbers(values, .double, isScalar: false)
    case .float(let value): try numbers([value], .float, isScalar: true)
    case .floats(let values): try numbers(values, .float, isScalar: false)
    }
  }

  /// The size of the value, in bytes, without what the library adds.
  var byteCount: Int {
    switch self {
    case .string, .int, .double: 16
    case .float: 4
    case .strings(let values): 16 * values.count
    case .ints(let values): 8 * values.count
    case .doubles(let values): 8 * values.count
    case .floats(let values): 4 * values.count
    }
  }
}
