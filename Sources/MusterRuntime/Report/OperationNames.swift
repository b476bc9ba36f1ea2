/// Numbers for the names of operations. A program may make up names without end: from some number on they share one.
struct OperationNames: Sendable {
  static let capacity = 1024
  /// The place of all that have none of their own.
  static let others = 0

  private(set) var names = ["(others)"]
  private var numbers: [String: Int] = [:]

  mutating func number(of name: String) -> Int {
    if let known = numbers[name] { return known }
    guard names.count < Self.capacity else { return Self.others }
    names.append(name)
    numbers[name] = names.count - 1
    return names.count - 1
  }
}
