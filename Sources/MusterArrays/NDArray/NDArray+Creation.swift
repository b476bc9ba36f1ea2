internal import MusterRuntime

extension NDArray {
  /// One element without dimensions.
  public init(scalar: Element) { self.init([scalar], shape: []) }

  /// An array of one value.
  public static func full(_ shape: [Int], value: Element) -> NDArray {
    NDArray(.orEnd { () throws(MusterError) in try .filled(with: ScalarValue(value), shape: shape) })
  }
}

extension NDArray where Element: ExpressibleByIntegerLiteral {
  /// An array of zeros.
  public static func zeros(_ shape: [Int]) -> NDArray { full(shape, value: 0) }

  /// An array of ones.
  public static func ones(_ shape: [Int]) -> NDArray { full(shape, value: 1) }
}

extension NDArray where Element: Strideable & Numeric, Element.Stride: SignedNumeric {
  /// The values from `start` on in steps of `step`, as long as they are below `stop` (above it, for a negative step).
  /// One dimension.
  ///
  /// - Precondition: `step` isn't 0.
  public static func arange(_ start: Element, _ stop: Element, step: Element.Stride = 1) -> NDArray {
    NDArray(Array(stride(from: start, to: stop, by: step)))
  }

  /// The values 0, 1, 2 and so on below `stop`. One dimension.
  public static func arange(_ stop: Element) -> NDArray { arange(0, stop) }
}

extension NDArray where Element: BinaryFloatingPoint {
  /// `count` values at equal distances, from `start` to `stop`, both included. One dimension.
  ///
  /// - Precondition: `count` isn't negative.
  public static func linspace(_ start: Element, _ stop: Element, count: Int) -> NDArray {
    require(count >= 0, "linspace: \(count) elements")
    return NDArray(shape: [count]) { buffer in
      let step = count > 1 ? (stop - start) / Element(count - 1) : 0
      for index in buffer.indices { buffer[index] = start + Element(index) * step }
      if count > 1 { buffer[count - 1] = stop }
    }
  }
}
