/// The items that hold no others, see `CodedItem`.
extension ByteBuffer {
  func append(item value: Bool) { append((value ? CodedItem.yes : CodedItem.no).rawValue) }

  func append(item value: Double) {
    append(CodedItem.double.rawValue)
    append(bits: value.bitPattern)
  }

  func append(item value: Float) {
    append(CodedItem.single.rawValue)
    append(bits: value.bitPattern)
  }

  func append(item value: String) {
    append(CodedItem.text.rawValue)
    append(text: value)
  }

  func append<T: FixedWidthInteger>(item value: T) {
    if T.bitWidth > 64 {
      append((T.isSigned ? CodedItem.signed128 : .unsigned128).rawValue)
      if T.isSigned { append(bits: Int128(value)) } else { append(bits: UInt128(value)) }
    } else if value < 0 {
      append(CodedItem.negative.rawValue)
      append(short: UInt64(bitPattern: ~Int64(value)))
    } else {
      append(CodedItem.natural.rawValue)
      append(short: UInt64(value))
    }
  }

  /// The number that memory has at an offset.
  func append(_ number: CodedNumber, _ memory: UnsafeRawBufferPointer, at offset: Int) {
    func load<T: BitwiseCopyable>(_ type: T.Type) -> T { memory.loadUnaligned(fromByteOffset: offset, as: type) }
    switch number {
    case .int8: append(item: load(Int8.self))
    case .int16: append(item: load(Int16.self))
    case .int32: append(item: load(Int32.self))
    case .int64: append(item: load(Int64.self))
    case .uint8: append(item: load(UInt8.self))
    case .uint16: append(item: load(UInt16.self))
    case .uint32: append(item: load(UInt32.self))
    case .uint64: append(item: load(UInt64.self))
    case .float: append(item: load(Float.self))
    case .double: append(item: load(Double.self))
    // Other bytes than 0 and 1 are no `Bool`s.
    case .bool: append(item: load(UInt8.self) != 0)
    }
  }
}
