/// From a container to what is in it: a part of a coding path, made only where somebody asks for that.
enum CodingStep {
  case root
  case key(any CodingKey)
  case index(Int)
  case parent

  /// A place in a list, or the part of a class's parent.
  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int?
    init(stringValue: String) { self.stringValue = stringValue }
    init(intValue: Int) { (stringValue, self.intValue) = ("Index \(intValue)", intValue) }
  }

  /// nil where nothing contains the item.
  var key: (any CodingKey)? {
    switch self {
    case .root: nil
    case .key(let key): key
    case .index(let index): Key(intValue: index)
    case .parent: Key(stringValue: Self.parentName)
    }
  }

  /// The key of what a class's parent writes, where nobody names another.
  static let parentName = "super"
}

/// An item on its way, in the container that it's in.
protocol CodingPlace: AnyObject {
  var step: CodingStep { get }
  var container: Self? { get }
}

extension CodingPlace {
  var codingPath: [any CodingKey] {
    var path: [any CodingKey] = []
    var next: Self? = self
    while let place = next {
      if let key = place.step.key { path.append(key) }
      next = place.container
    }
    return path.reversed()
  }
}
