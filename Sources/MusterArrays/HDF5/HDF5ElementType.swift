import CHDF5
import MusterRuntime

/// Element types as the library's datatypes. Called with the library's lock held.
enum HDF5ElementType {
  /// The datatype that a type has in memory, and in files that Muster writes. Bool and Complex are as h5py stores
  /// them: an enumeration of FALSE and TRUE over 8 bits, and a compound of r and i.
  static func type(_ elementType: ElementType, path: String) throws -> HDF5Identifier {
    let what = "the datatype of \(elementType)"
    switch elementType {
    case .bool:
      let base = try HDF5Identifier(chdf5_native_type(.int8), what, in: path)
      let type = try HDF5Identifier(chdf5_create_enumeration(base.id), what, in: path)
      for (name, value) in [("FALSE", Int8(0)), ("TRUE", 1)] {
        try HDF5Failure.check(
          withUnsafePointer(to: value) { chdf5_insert_enumeration_member(type.id, name, $0) }, "can't make \(what)",
          in: path)
      }
      return type
    case .complex64, .complex128:
      let part = try HDF5Identifier(
        chdf5_native_type(elementType == .complex64 ? .float : .double), what, in: path)
      let type = try HDF5Identifier(chdf5_create_compound(elementType.byteCount), what, in: path)
      for (name, offset) in [("r", 0), ("i", elementType.byteCount / 2)] {
        try HDF5Failure.check(
          chdf5_insert_compound_member(type.id, name, offset, part.id), "can't make \(what)", in: path)
      }
      return type
    case .float64: return try HDF5Identifier(chdf5_native_type(.double), what, in: path)
    case .float32: return try HDF5Identifier(chdf5_native_type(.float), what, in: path)
    case .int8: return try HDF5Identifier(chdf5_native_type(.int8), what, in: path)
    case .int16: return try HDF5Identifier(chdf5_native_type(.int16), what, in: path)
    case .int32: return try HDF5Identifier(chdf5_native_type(.int32), what, in: path)
    case .int64: return try HDF5Identifier(chdf5_native_type(.int64), what, in: path)
    case .uint8: return try HDF5Identifier(chdf5_native_type(.uInt8), what, in: path)
    case .uint16: return try HDF5Identifier(chdf5_native_type(.uInt16), what, in: path)
    case .uint32: return try HDF5Identifier(chdf5_native_type(.uInt32), what, in: path)
    case .uint64: return try HDF5Identifier(chdf5_native_type(.uInt64), what, in: path)
    }
  }

  /// The element type that holds what a dataset's datatype stores: the same, or the next wider one of its kind.
  /// Floating-point numbers of more than 8 bytes are rounded to Double: there is no wider type.
  ///
  /// - Throws: `unsupported` where there is none, naming the kind of datatype and what to do.
  static func elementType(of type: chdf5_id, dataset: String, path: String) throws -> ElementType {
    let size = chdf5_type_size(type)
    func unsupported(_ kind: String, _ fix: String) -> MusterError {
      MusterError(
        .unsupported, "the elements of \"\(dataset)\" in \"\(path)\" are \(kind), which arrays can't hold", fix: fix)
    }
    switch chdf5_type_class(type) {
    case .integer:
      switch (chdf5_type_is_signed(type), size) {
      case (true, 1): return .int8
      case (true, 2): return .int16
      case (true, 3...4): return .int32
      case (true, 5...8): return .int64
      case (false, 1): return .uint8
      case (false, 2): return .uint16
      case (false, 3...4): return .uint32
      case (false, 5...8): return .uint64
      default: throw unsupported("integers of \(size) bytes", "Store them as integers of at most 8 bytes")
      }
    case .float:
      return size <= 4 ? .float32 : .float64
    case .enumeration:
      if try isBool(type, path: path) { return .bool }
      let base = try HDF5Identifier(chdf5_type_base(type), "the base type of an enumeration", in: path)
      return try elementType(of: base.id, dataset: dataset, path: path)
    case .compound:
      if let complex = try complexType(type, path: path) { return complex }
      let names = memberNames(type).joined(separator: ", ")
      throw unsupported(
        "compounds (of \(names))",
        "Store each member as a dataset of its own; only complex numbers (members r and i, both floating-point) are read"
      )
    case .string:
      throw unsupported("strings", "Read them with another tool, or store numbers in their place")
    case .variableLength:
      throw unsupported("sequences of variable length", "Store them as an array padded to one length")
    case .array:
      throw unsupported("arrays", "Store them as further dimensions of the dataset")
    case .bitfield:
      throw unsupported("bit fields", "Store them as unsigned integers")
    case .opaque:
      throw unsupported("opaque bytes", "Store them as unsigned integers of 8 bits")
    case .reference:
      throw unsupported("references to other objects", "Open the dataset that they point to by its own name")
    case .time, .unknown:
      throw unsupported("of a kind that HDF5 keeps for itself", "Store them as numbers")
    }
  }

  /// Whether a dataset's datatype has the very bytes that the element type has in memory.
  static func hasSameBytes(_ type: chdf5_id, as elementType: ElementType, path: String) throws -> Bool {
    let native = try self.type(elementType, path: path)
    if chdf5_types_equal(type, native.id) { return true }
    guard chdf5_type_class(type) == .enumeration, elementType != .bool else { return false }
    let base = try HDF5Identifier(chdf5_type_base(type), "the base type of an enumeration", in: path)
    return chdf5_types_equal(base.id, native.id)
  }

  private static func memberNames(_ type: chdf5_id) -> [String] {
    (0..<UInt32(max(chdf5_member_count(type), 0))).map { index in
      guard let name = chdf5_member_name(type, index) else { return "" }
      defer { chdf5_free(name) }
      return String(cString: name)
    }
  }

  private static func isBool(_ type: chdf5_id, path: String) throws -> Bool {
    guard chdf5_type_size(type) == 1, memberNames(type) == ["FALSE", "TRUE"] else { return false }
    let values: [Int8] = (0..<UInt32(2)).map { index in
      var value: Int8 = -1
      chdf5_enumeration_value(type, index, &value)
      return value
    }
    return values == [0, 1]
  }

  private static func complexType(_ type: chdf5_id, path: String) throws -> ElementType? {
    guard memberNames(type) == ["r", "i"] else { return nil }
    var sizes: [Int] = []
    for index in 0..<UInt32(2) {
      let member = try HDF5Identifier(chdf5_member_type(type, index), "a member's type", in: path)
      guard chdf5_type_class(member.id) == .float else { return nil }
      sizes.append(chdf5_type_size(member.id))
    }
    return sizes.allSatisfy { $0 <= 4 } ? .complex64 : .complex128
  }
}
