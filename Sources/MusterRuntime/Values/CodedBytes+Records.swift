/// Structs of numbers that are in memory one after the other, see `CodedRecords`.
extension CodedBytes {
  struct Records {
    let count: Int
    let stride: Int
    let leaves: [RecordLayout.Leaf]
    let template: CodedBytes
    let place: Place
    var byteCount: Int { count * stride }
  }

  /// An element in its `Codable` form.
  convenience init(of element: some Encodable) throws {
    let bytes = ByteBuffer(capacity: 0)
    try ValueEncoder.write(element, to: bytes)
    try self.init(bytes.storage, count: bytes.count)
  }

  /// Whether two values are written as the same.
  func isSame(as other: CodedBytes) -> Bool {
    keys == other.keys && bytes[..<itemByteCount].elementsEqual(other.bytes[..<other.itemByteCount])
  }

  /// This element with other numbers: those of a record.
  ///
  /// - Throws: `MusterError` with code `internal` where it hasn't as many, or has something else.
  func record(_ leaves: [RecordLayout.Leaf], _ record: UnsafeRawBufferPointer) throws -> CodedBytes {
    let item = ByteBuffer(capacity: itemByteCount + 8 * leaves.count)
    var rest = leaves[...]
    var cursor = cursor(at: 0)
    try copy(&cursor, to: item, depth: 0) {
      guard let leaf = rest.popFirst() else { throw Self.damaged }
      item.append(leaf.number, record, at: leaf.offset)
    }
    guard rest.isEmpty else { throw Self.damaged }
    return CodedBytes(item: item, keys: keys)
  }

  /// - Parameter number: Writes what stands in a number's place.
  private func copy(_ cursor: inout Cursor, to target: ByteBuffer, depth: Int, number: () throws -> Void) throws {
    guard depth <= CodedItem.mostDepth else { throw Self.damaged }
    var next = cursor
    let item = try next.item()
    if item.isNumber {
      try cursor.skip()
      return try number()
    }
    guard item == .fields else { throw Self.damaged }
    let length = try next.length()
    let end = next.offset + length
    let start = target.count
    target.append(item.rawValue)
    target.append(bits: 0)
    while next.offset < end {
      let key = next.offset
      _ = try self.key(&next)
      target.append(UnsafeRawBufferPointer(rebasing: bytes[key..<next.offset]))
      try copy(&next, to: target, depth: depth + 1, number: number)
    }
    target.overwrite(target.count - start - CodedItem.head, at: start + 1)
    cursor = next
  }

  // MARK: Many

  /// All of the records; nil where they were written by a type of another form.
  func array<A: CodedRecords>(of records: Records, as type: A.Type, _ layout: RecordLayout) throws -> A? {
    guard layout.stride == records.stride, layout.leaves == records.leaves else { return nil }
    let bulk: CodedBulk?
    switch records.place {
    case .apart(let number): bulk = try part(number, byteCount: records.byteCount)
    case .within: bulk = nil
    }
    let areForm = try withBytes(of: records) { all in
      // Other bytes than 0 and 1 are no `Bool`s.
      for leaf in layout.leaves where leaf.number == .bool {
        for offset in Swift.stride(from: leaf.offset, to: all.count, by: layout.stride) where all[offset] > 1 {
          throw Self.damaged
        }
      }
      return try A.areForm(layout, of: records.template, all)
    }
    guard areForm else { return nil }
    if let bulk { return bulk.records(as: type) }
    return try withBytes(of: records) { all in
      A(bytes: all.count) { $0.copyMemory(from: all.baseAddress!, byteCount: all.count) }
    }
  }

  /// One of the records as an item by itself.
  func element(_ index: Int, of records: Records) throws -> CodedBytes {
    let start = index * records.stride
    return try withBytes(of: records) { all in
      try records.template.record(
        records.leaves, UnsafeRawBufferPointer(rebasing: all[start..<start + records.stride]))
    }
  }

  private func withBytes<R>(of records: Records, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    switch records.place {
    case .apart(let number): return try part(number, byteCount: records.byteCount).withBytes(body)
    case .within(let offset):
      return try body(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + records.byteCount]))
    }
  }
}

extension CodedBytes.Cursor {
  /// Behind an item of records: those; nil where the item is another.
  mutating func records(_ item: CodedItem) throws -> CodedBytes.Records? {
    guard item == .records || item == .recordsApart else { return nil }
    let stride = try short()
    let count = try bits(Int.self)
    let (size, isTooLarge) = count.multipliedReportingOverflow(by: stride)
    guard stride > 0, count > 0, !isTooLarge else { throw CodedBytes.damaged }
    let length = try short()
    let start = try take(length)
    let template = ByteBuffer(capacity: length)
    template.append(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
    var leaves: [RecordLayout.Leaf] = []
    for _ in 0..<(try short()) {
      let offset = try short()
      guard let number = CodedNumber(rawValue: try bits(UInt8.self)), offset <= stride - number.stride else {
        throw CodedBytes.damaged
      }
      leaves.append(RecordLayout.Leaf(number: number, offset: offset))
    }
    let place: CodedBytes.Place = item == .records ? .within(offset: try take(size)) : .apart(part: try short())
    return CodedBytes.Records(
      count: count, stride: stride, leaves: leaves, template: try CodedBytes(template.storage, count: template.count),
      place: place)
  }
}

extension ByteBuffer {
  /// What says how to read records, which go behind that.
  func append(records count: Int, _ form: (layout: RecordLayout, template: CodedBytes), isApart: Bool) {
    append((isApart ? CodedItem.recordsApart : .records).rawValue)
    append(short: form.layout.stride)
    append(bits: count)
    append(short: form.template.bytes.count)
    append(form.template.bytes)
    append(short: form.layout.leaves.count)
    for leaf in form.layout.leaves {
      append(short: leaf.offset)
      append(leaf.number.rawValue)
    }
  }
}
