/// What is known of a type in a value: whether there is a shorter way than its `Codable` form.
enum CodedType {
  case text
  case int
  case double
  case float
  case bool
  case numbers(any CodedNumbers.Type)
  case records(any CodedRecords.Type, RecordLayout)
  case others

  /// The types that were asked for, since to look at one takes longer than to write most values.
  struct Cache {
    private var known: [ObjectIdentifier: CodedType] = [:]

    mutating func callAsFunction<T>(_ type: T.Type) -> CodedType {
      let key = ObjectIdentifier(type)
      if let known = known[key] { return known }
      let found = CodedType(type)
      known[key] = found
      return found
    }
  }

  private init<T>(_ type: T.Type) {
    self =
      if type == String.self {
        .text
      } else if type == Int.self {
        .int
      } else if type == Double.self {
        .double
      } else if type == Float.self {
        .float
      } else if type == Bool.self {
        .bool
      } else if let numbers = type as? any CodedNumbers.Type {
        .numbers(numbers)
      } else if let records = type as? any CodedRecords.Type, let layout = records.layout {
        .records(records, layout)
      } else {
        .others
      }
  }
}
