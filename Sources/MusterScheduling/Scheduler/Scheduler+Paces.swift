/// What is known of how long tasks take.
extension Scheduler {
  /// How long tasks of a layer take, as far as is known.
  func pace(ofLayer layer: Int) -> Pace {
    layers[layer].kind.map { paces[Int($0)] } ?? layers[layer].pace
  }

  mutating func sample(_ nanoseconds: Int, ofLayer layer: Int) {
    if let kind = layers[layer].kind {
      paces[Int(kind)].sample(nanoseconds)
    } else {
      layers[layer].pace.sample(nanoseconds)
    }
  }

  /// A graph comes with a layer of a kind.
  mutating func startPace(ofKind kind: Int) {
    while paces.count <= kind { paces.append(Pace()) }
    paces[kind].startAnew()
  }
}
