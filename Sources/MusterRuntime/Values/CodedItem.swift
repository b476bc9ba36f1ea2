/// How values in their `Codable` form are written, for disks and other ranks: one item, and in it others.
///
/// An item begins with a byte that says what it is. Containers say how long they are, so that one can be passed over:
///
/// - `fields`, `repeatedFields`: the length of what follows (8 bytes); keys, each with an item. A key is its number in the
///   table of keys, plus one, or 0 and its text, once the table is full.
/// - `list`: the length of what follows it (8 bytes), the count (8 bytes), and items.
/// - `numbers`: the type (a byte), the count (8 bytes), and their bytes, as in memory.
/// - `numbersApart`: the type (a byte), the count (8 bytes), and which of the value's bulk parts has their bytes: many
///   numbers go from their own memory, and come to it, without a copy between.
/// - `records`: many structs of numbers, as in memory: how many bytes each has, the count (8 bytes), the template's length
///   and the template, the count of the numbers in each with the place and the type (a byte) of each, and the bytes. The
///   template is the first one as a whole value, with a table of its own; its numbers are in the order of the places.
/// - `recordsApart`: the same, and in place of the bytes which of the bulk parts has them.
/// - `text`: its length, and UTF-8.
/// - `natural`, `negative`: the number, or the bits of it turned round. Those of 128 bits, `single` and `double` are their
///   bytes.
///
/// Behind the item stands the table: the count of the keys, and their texts; and where the table begins (8 bytes).
/// Lengths, and numbers of any size, are LEB128 but where their size is given. All else is in the machine's byte order.
enum CodedItem: UInt8 {
  case null
  case no
  case yes
  case natural
  case negative
  case signed128
  case unsigned128
  case single
  case double
  case text
  case numbers
  case list
  case fields
  /// The same key may be there twice: the last one holds.
  case repeatedFields
  case numbersApart
  case records
  case recordsApart

  /// Whether it is one number, or a `Bool`.
  var isNumber: Bool {
    switch self {
    case .no, .yes, .natural, .negative, .single, .double: true
    default: false
    }
  }

  /// What a container's length doesn't count: what it is, and the length.
  static let head = 1 + 8

  /// Whether numbers of so many bytes go apart. Each part has pages of its own on disk.
  static func goesApart(_ byteCount: Int) -> Bool { byteCount >= 256 << 10 }

  /// So many keys have a number. A dictionary may have any number of keys.
  static let mostKeys = 1024
  /// So many items may each lie in the next: a value's own coding goes as deep into the stack.
  static let mostDepth = 512
}
