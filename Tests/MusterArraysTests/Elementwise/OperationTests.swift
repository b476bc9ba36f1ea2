import ComplexModule
import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

/// Each operation on each type, against Swift's own arithmetic an element at a time.
struct OperationTests {
  private func evaluate(_ operation: UnaryOperation, _ a: AnyNDArray) throws -> AnyNDArray {
    var program = ElementwiseProgram()
    program.finish(program.apply(operation, program.input(a.elementType)))
    return try program.run([a], shape: a.shape)
  }

  private func evaluate(_ operation: BinaryOperation, _ a: AnyNDArray, _ b: AnyNDArray) throws -> AnyNDArray {
    var program = ElementwiseProgram()
    program.finish(program.apply(operation, program.input(a.elementType), program.input(b.elementType)))
    return try program.run([a, b], shape: Shapes.broadcast([a.shape, b.shape]))
  }

  /// Compares an operation on arrays, an array and a scalar, and a scalar and an array, with a function of two numbers.
  private func expect<T: ArrayElement, R: ArrayElement>(
    _ operation: BinaryOperation, _ a: AnyNDArray, _ b: AnyNDArray, _ expected: (T, T) -> R
  ) throws {
    let (x, y) = (NDArray<T>(a).elements, NDArray<T>(b).elements)
    let one = AnyNDArray.of([]) { _ in y[3] }
    let vv = try evaluate(operation, a, b)
    let vs = try evaluate(operation, a, one)
    let sv = try evaluate(operation, one, a)
    #expect(same(vv, AnyNDArray.of(a.shape) { expected(x[$0], y[$0]) }), "\(operation) of \(T.self)")
    #expect(same(vs, AnyNDArray.of(a.shape) { expected(x[$0], y[3]) }), "\(operation) of \(T.self), a scalar")
    #expect(same(sv, AnyNDArray.of(a.shape) { expected(y[3], x[$0]) }), "\(operation) of a scalar, \(T.self)")
  }

  /// Equal to the bit, any NaN like any other.
  private func same(_ a: AnyNDArray, _ b: AnyNDArray) -> Bool {
    guard a.elementType == b.elementType, a.shape == b.shape else { return false }
    switch a.elementType {
    case .float64: return zip(NDArray<Double>(a).elements, NDArray<Double>(b).elements).allSatisfy(same)
    case .float32: return zip(NDArray<Float>(a).elements, NDArray<Float>(b).elements).allSatisfy(same)
    default: return a.bytes == b.bytes
    }
  }
  private func same<T: BinaryFloatingPoint>(_ a: T, _ b: T) -> Bool {
    a.isNaN ? b.isNaN : a == b && a.sign == b.sign
  }

  private func checkInteger<T: FixedWidthInteger & ArrayElement>(_ type: T.Type) throws {
    var random = SplitMix64(seed: 7)
    let a = random.elements(T.elementType, [700])
    var b = random.elements(T.elementType, [700])
    try expect(.add, a, b) { (x: T, y: T) in x &+ y }
    try expect(.subtract, a, b) { (x: T, y: T) in x &- y }
    try expect(.multiply, a, b) { (x: T, y: T) in x &* y }
    try expect(.minimum, a, b) { (x: T, y: T) in min(x, y) }
    try expect(.maximum, a, b) { (x: T, y: T) in max(x, y) }
    try expect(.and, a, b) { (x: T, y: T) in x & y }
    try expect(.or, a, b) { (x: T, y: T) in x | y }
    try expect(.xor, a, b) { (x: T, y: T) in x ^ y }
    try checkComparisons(a, b, as: T.self)

    // Without zeros, which are errors.
    let divisors = NDArray<T>(b).elements.map { $0 == 0 ? 3 : $0 }
    b = NDArray(divisors).erased
    let dividends = NDArray(NDArray<T>(a).elements.map { $0 == 0 ? 5 : $0 }).erased
    try expect(.divide, dividends, b) { (x: T, y: T) in x.dividedReportingOverflow(by: y).partialValue }
    try expect(.remainder, dividends, b) { (x: T, y: T) in x.remainderReportingOverflow(dividingBy: y).partialValue }
    let exponents = NDArray(divisors.map { T(truncatingIfNeeded: Int(truncatingIfNeeded: $0) & 63) }).erased
    try expect(.power, exponents, exponents) { (x: T, y: T) in
      (0..<Int(y)).reduce(T(1)) { product, _ in product &* x }
    }

    let x = NDArray<T>(a).elements
    #expect(try evaluate(.negate, a).bytes == NDArray(x.map { 0 &- $0 }).erased.bytes)
    #expect(try evaluate(.square, a).bytes == NDArray(x.map { $0 &* $0 }).erased.bytes)
    #expect(try evaluate(.not, a).bytes == NDArray(x.map { ~$0 }).erased.bytes)
    #expect(try evaluate(.sign, a).bytes == NDArray(x.map { $0.signum() }).erased.bytes)
    #expect(try evaluate(.absolute, a).bytes == NDArray(x.map { T(truncatingIfNeeded: $0.magnitude) }).erased.bytes)
    #expect(try evaluate(.floor, a).bytes == a.bytes)
    #expect(
      try NDArray<Double>(evaluate(.sqrt, exponents)).elements
        == NDArray<T>(exponents).elements.map { Double($0).squareRoot() })
  }

  private func checkComparisons<T: ArrayElement & Comparable>(_ a: AnyNDArray, _ b: AnyNDArray, as type: T.Type) throws
  {
    try expect(.equal, a, b) { (x: T, y: T) in x == y }
    try expect(.notEqual, a, b) { (x: T, y: T) in x != y }
    try expect(.less, a, b) { (x: T, y: T) in x < y }
    try expect(.lessOrEqual, a, b) { (x: T, y: T) in x <= y }
    try expect(.greater, a, b) { (x: T, y: T) in x > y }
    try expect(.greaterOrEqual, a, b) { (x: T, y: T) in x >= y }
  }

  private func checkFloat<T: BinaryFloatingPoint & ArrayElement>(_ type: T.Type) throws {
    var random = SplitMix64(seed: 8)
    let a = random.elements(T.elementType, [1300])
    let b = random.elements(T.elementType, [1300])
    try expect(.add, a, b) { (x: T, y: T) in x + y }
    try expect(.subtract, a, b) { (x: T, y: T) in x - y }
    try expect(.multiply, a, b) { (x: T, y: T) in x * y }
    try expect(.divide, a, b) { (x: T, y: T) in x / y }
    try expect(.remainder, a, b) { (x: T, y: T) in x.truncatingRemainder(dividingBy: y) }
    try expect(.minimum, a, b) { (x: T, y: T) in x.isNaN ? x : y.isNaN ? y : x < y ? x : y }
    try expect(.maximum, a, b) { (x: T, y: T) in x.isNaN ? x : y.isNaN ? y : x > y ? x : y }
    try checkComparisons(a, b, as: T.self)

    func expectUnary<R: ArrayElement>(_ operation: UnaryOperation, _ expected: (T) -> R) throws {
      let x = NDArray<T>(a).elements
      #expect(
        same(try evaluate(operation, a), AnyNDArray.of(a.shape) { expected(x[$0]) }), "\(operation) of \(T.self)")
    }
    try expectUnary(.negate) { -$0 }
    try expectUnary(.absolute) { $0.magnitude }
    try expectUnary(.square) { $0 * $0 }
    try expectUnary(.sqrt) { $0.squareRoot() }
    try expectUnary(.reciprocal) { 1 / $0 }
    try expectUnary(.sign) { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
    try expectUnary(.floor) { $0.rounded(.down) }
    try expectUnary(.ceil) { $0.rounded(.up) }
    try expectUnary(.round) { $0.rounded(.toNearestOrEven) }
    try expectUnary(.isNaN) { $0.isNaN }
    try expectUnary(.isFinite) { $0.isFinite }
    try expectUnary(.conjugate) { $0 }
  }

  @Test func integersAreSwiftsWrapping() throws {
    try checkInteger(Int8.self)
    try checkInteger(Int16.self)
    try checkInteger(Int32.self)
    try checkInteger(Int64.self)
    try checkInteger(UInt8.self)
    try checkInteger(UInt16.self)
    try checkInteger(UInt32.self)
    try checkInteger(UInt64.self)
  }

  @Test func floatingPointIsIEEE() throws {
    try checkFloat(Double.self)
    try checkFloat(Float.self)
  }

  @Test func boolIsLogical() throws {
    var random = SplitMix64(seed: 9)
    let (a, b) = (random.elements(.bool, [300]), random.elements(.bool, [300]))
    try expect(.and, a, b) { (x: Bool, y: Bool) in x && y }
    try expect(.or, a, b) { (x: Bool, y: Bool) in x || y }
    try expect(.xor, a, b) { (x: Bool, y: Bool) in x != y }
    try expect(.equal, a, b) { (x: Bool, y: Bool) in x == y }
    try expect(.minimum, a, b) { (x: Bool, y: Bool) in x && y }
    #expect(try NDArray<Bool>(evaluate(.not, a)).elements == NDArray<Bool>(a).elements.map { !$0 })
  }

  @Test func complexIsNumPys() throws {
    let reference = try ReferenceData()
    let a: NDArray<Complex<Double>> = try reference.array("complex/a")
    let b: NDArray<Complex<Double>> = try reference.array("complex/b")
    for (operation, name) in [(BinaryOperation.multiply, "multiply"), (.divide, "divide")] {
      let expected: NDArray<Complex<Double>> = try reference.array("complex/\(name)")
      let result = NDArray<Complex<Double>>(try evaluate(operation, a.erased, b.erased))
      for (x, y) in zip(result.elements, expected.elements) {
        #expect((x - y).length <= 4e-16 * y.length)
      }
    }
    let moduli: NDArray<Double> = try reference.array("complex/absolute")
    for (x, y) in zip(NDArray<Double>(try evaluate(.absolute, a.erased)).elements, moduli.elements) {
      #expect(ulps(x, y) <= 2)
    }
    #expect(NDArray<Complex<Double>>(try evaluate(.conjugate, a.erased)).elements == a.elements.map(\.conjugate))
    #expect(NDArray<Double>(try evaluate(.imaginary, a.erased)).elements == a.elements.map(\.imaginary))
    #expect(NDArray<Double>(try evaluate(.real, a.erased)).elements == a.elements.map(\.real))
    let large = NDArray([Complex(3e300, 4e300), Complex(0x1p-1060, 0), Complex(.infinity, .nan)])
    let lengths = NDArray<Double>(try evaluate(.absolute, large.erased)).elements
    #expect(ulps(lengths[0], 5e300) <= 1)
    #expect(lengths[1] == 0x1p-1060)
    #expect(lengths[2] == .infinity)
  }

  @Test(arguments: [
    UnaryOperation.exp, .expm1, .log, .log1p, .log2, .log10, .sin, .cos, .tan, .asin, .acos, .atan, .sinh, .cosh, .tanh,
  ])
  func functionsAreRightToTheLastPlace(_ operation: UnaryOperation) throws {
    let reference = try ReferenceData()
    let x: NDArray<Double> = try reference.array("\(operation)/float64/input")
    let y: NDArray<Double> = try reference.array("\(operation)/float64/output")
    let result = NDArray<Double>(try evaluate(operation, x.erased)).elements
    for (index, (a, b)) in zip(result, y.elements).enumerated() {
      let allowed: UInt64 = abs(x.elements[index]) > 709 ? 4 : 1
      #expect(ulps(a, b) <= allowed, "\(operation)(\(x.elements[index])): \(a), not \(b)")
    }
    let small: NDArray<Float> = try reference.array("\(operation)/float32/input")
    let expected: NDArray<Float> = try reference.array("\(operation)/float32/output")
    let results = NDArray<Float>(try evaluate(operation, small.erased)).elements
    for (index, (a, b)) in zip(results, expected.elements).enumerated() {
      let allowed: UInt64 = abs(small.elements[index]) > 88 ? 4 : 1
      #expect(ulps(a, b) <= allowed, "\(operation)(\(small.elements[index])): \(a), not \(b)")
    }
  }

  @Test(arguments: [BinaryOperation.power, .atan2])
  func functionsOfTwoAreRightToTheLastPlace(_ operation: BinaryOperation) throws {
    let reference = try ReferenceData()
    func double(_ part: String) throws -> NDArray<Double> { try reference.array("\(operation)/float64/\(part)") }
    func single(_ part: String) throws -> NDArray<Float> { try reference.array("\(operation)/float32/\(part)") }
    let result = NDArray<Double>(try evaluate(operation, double("a").erased, double("b").erased))
    for (a, b) in zip(result.elements, try double("output").elements) { #expect(ulps(a, b) <= 1) }
    let results = NDArray<Float>(try evaluate(operation, single("a").erased, single("b").erased))
    for (a, b) in zip(results.elements, try single("output").elements) { #expect(ulps(a, b) <= 1) }
  }

  @Test func integerDivisionByZeroIsNamed() throws {
    let zeros = NDArray<Int32>([1, 0, 2]).erased
    for operation in [BinaryOperation.divide, .remainder] {
      let error = #expect(throws: MusterError.self) { try evaluate(operation, zeros, zeros) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains("\(operation)") == true && error?.message.contains("Int32") == true)
    }
    let negative = NDArray<Int>([2, -1]).erased
    let error = #expect(throws: MusterError.self) { try evaluate(.power, negative, negative) }
    #expect(error?.message.contains("negative exponent") == true)
  }

  /// Every operation that says it has a result for a type has kernels for it, in all variants and instruction sets.
  @Test(arguments: ElementType.allCases)
  func everyDeclaredOperationRuns(_ type: ElementType) throws {
    var random = SplitMix64(seed: 10)
    let a = try AnyNDArray.filled(with: ScalarValue(1.0), shape: [515]).cast(to: type)
    let b = random.elements(type, [515])
    let scalar = try a.slice([0..<1]).reshaped([])
    for operation in UnaryOperation.allCases {
      guard let result = operation.resultType(for: type) else { continue }
      #expect(try evaluate(operation, b).elementType == result)
    }
    for operation in BinaryOperation.allCases {
      guard let result = operation.resultType(for: type) else { continue }
      #expect(try evaluate(operation, b, a).elementType == result)
      #expect(try evaluate(operation, b, scalar).elementType == result)
      #expect(try evaluate(operation, scalar, a).elementType == result)
    }
  }
}
