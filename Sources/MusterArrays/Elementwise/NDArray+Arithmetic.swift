internal import MusterRuntime

extension NDArray {
  /// One operation on this array.
  func applying<Result: ArrayElement>(_ operation: UnaryOperation, as type: Result.Type = Result.self) -> NDArray<
    Result
  > {
    var program = ElementwiseProgram()
    program.finish(program.apply(operation, program.input(Element.elementType)))
    return NDArray<Result>(Self.evaluate(program, [erased], shape: shape))
  }

  /// An operation on two arrays that broadcast, or on an array and a constant.
  static func combining<Result: ArrayElement>(
    _ operation: BinaryOperation, _ a: NDArray, _ b: NDArray, as type: Result.Type = Result.self
  ) -> NDArray<Result> {
    do {
      let shape = try Shapes.broadcast([a.shape, b.shape], operation: "\(operation)")
      var program = ElementwiseProgram()
      program.finish(
        program.apply(operation, program.input(Element.elementType), program.input(Element.elementType)))
      return NDArray<Result>(try program.run([a.erased, b.erased], shape: shape))
    } catch {
      fatalError("\(error)")
    }
  }

  private static func evaluate(_ program: ElementwiseProgram, _ inputs: [AnyNDArray], shape: [Int]) -> AnyNDArray {
    do { return try program.run(inputs, shape: shape) } catch { fatalError("\(error)") }
  }
}

// Operators are like those of Swift's own numbers: what can't be computed is a fault of the program, and traps.
extension NDArray where Element: AdditiveArithmetic {
  /// The elementwise sum, by NumPy's rule of broadcasting. Integers wrap.
  ///
  /// - Precondition: the shapes broadcast; the message names both where they don't.
  public static func + (a: NDArray, b: NDArray) -> NDArray { combining(.add, a, b) }
  /// The elementwise sum with a constant. Integers wrap.
  public static func + (a: NDArray, b: Element) -> NDArray { a + NDArray(scalar: b) }
  /// The elementwise sum with a constant. Integers wrap.
  public static func + (a: Element, b: NDArray) -> NDArray { NDArray(scalar: a) + b }

  /// The elementwise difference, by NumPy's rule of broadcasting. Integers wrap.
  ///
  /// - Precondition: the shapes broadcast; the message names both where they don't.
  public static func - (a: NDArray, b: NDArray) -> NDArray { combining(.subtract, a, b) }
  /// The elementwise difference from a constant. Integers wrap.
  public static func - (a: NDArray, b: Element) -> NDArray { a - NDArray(scalar: b) }
  /// The elementwise difference from a constant. Integers wrap.
  public static func - (a: Element, b: NDArray) -> NDArray { NDArray(scalar: a) - b }

  /// The negative of each element. Integers wrap.
  public static prefix func - (a: NDArray) -> NDArray { a.applying(.negate) }
}

extension NDArray where Element: Numeric {
  /// The elementwise product, by NumPy's rule of broadcasting. Integers wrap.
  ///
  /// - Precondition: the shapes broadcast; the message names both where they don't.
  public static func * (a: NDArray, b: NDArray) -> NDArray { combining(.multiply, a, b) }
  /// The product with a constant. Integers wrap.
  public static func * (a: NDArray, b: Element) -> NDArray { a * NDArray(scalar: b) }
  /// The product with a constant. Integers wrap.
  public static func * (a: Element, b: NDArray) -> NDArray { NDArray(scalar: a) * b }

  /// The elementwise quotient, by NumPy's rule of broadcasting; of integers towards zero.
  ///
  /// - Precondition: the shapes broadcast, and no integer is divided by zero.
  public static func / (a: NDArray, b: NDArray) -> NDArray { combining(.divide, a, b) }
  /// The quotient by a constant; of integers towards zero.
  ///
  /// - Precondition: the constant isn't the integer zero.
  public static func / (a: NDArray, b: Element) -> NDArray { a / NDArray(scalar: b) }
  /// The quotients of a constant; of integers towards zero.
  ///
  /// - Precondition: no integer is divided by zero.
  public static func / (a: Element, b: NDArray) -> NDArray { NDArray(scalar: a) / b }
}
