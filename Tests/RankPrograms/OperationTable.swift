import ComplexModule
import Muster
import RealModule

/// Public operations on arrays, each with the element types that have it: results to be compared.
struct OperationTable {
  private(set) var entries: [(name: String, array: AnyChunkedArray)] = []
  /// Doubles between -4 and 5, in chunks that divide no axis.
  let wave: ChunkedArray<Double>
  private let session: Session
  /// What the operations that are added next are of.
  private var subject = "Double"

  init(_ session: Session) {
    self.session = session
    let steps = session.linspace(-3.0, 4.0, count: 24 * 18).reshaped([24, 18]).rechunked([7, 5])
    wave = (steps * 37.0).sin() + steps
    decompositions()
    floatingPoint(Double.self)
    floatingPoint(Float.self)
    integers(Int.self)
    integers(Int8.self)
    integers(Int16.self)
    integers(Int32.self)
    integers(UInt.self)
    integers(UInt8.self)
    integers(UInt16.self)
    integers(UInt32.self)
    numbers(Complex<Double>.self)
    numbers(Complex<Float>.self)
    for (part, array) in [("complex", Complex<Double>(0, 1)), ("turned", Complex<Double>(-1, 0.5))] {
      let rotated = wave.asType(Complex<Double>.self) * array
      add("\(part) product", rotated * rotated)
      add("\(part) quotient", rotated / (rotated + Complex<Double>(20, 3)))
      add("\(part) sum", rotated.sum(axis: 0))
    }
    add("complex negated", -wave.asType(Complex<Float>.self))
    truths()
  }

  mutating func add<E>(_ name: String, _ array: ChunkedArray<E>) {
    entries.append(("\(subject) \(name)", array.erased))
  }

  /// What arrays of every type can do.
  private mutating func anything<E: ArrayElement>(_ a: ChunkedArray<E>, _ one: E, _ other: E) {
    add("itself", a)
    add("slice", a[3..<20, .stride(by: 3)])
    add("overlapping slices", which(a[1...] .== a[..<(-1)], a[1...], a[..<(-1)]))
    add("element", a[5, .newAxis])
    add("backwards", a[.stride(by: -1), .ellipsis])
    add("transposed", a.transposed())
    add("reshaped", a.reshaped([16, 27]))
    add("rechunked", a.rechunked([11, -1]))
    add("broadcast", a[0].broadcast(to: [3, 4, 18]))
    add("expandedDimensions", a.expandedDimensions(axis: 1))
    add("concatenated", concatenated([a, a[..<5]]))
    add("stacked", stacked([a, a.rechunked([9, 4])], axis: 1))
    add(
      "mapBlocks", a.mapBlocks { block, info in info.number % 2 == 0 ? block : NDArray.full(block.shape, value: one) })
    add("equal", a .== one)
    add("notEqual", a .!= a[0])
    add("which", which(a .== one, a, one))
    add("which of numbers", which(a .!= one, one, a))
    add("full", session.full([13, 5], one, chunks: [4, 2]))
    add("fromFunction", session.fromFunction([9, 7], chunks: [4, 3]) { $0[0] % 3 == $0[1] % 3 ? one : other })
    add("asDouble", a.asType(Double.self))
    add("asFloat", a.asType(Float.self))
    add("asInt", a.asType(Int.self))
    add("asInt8", a.asType(Int8.self))
    add("asUInt16", a.asType(UInt16.self))
    add("asBool", a.asType(Bool.self))
    add("asComplex", a.asType(Complex<Double>.self))
  }

  private mutating func numbers<E: ReducibleElement & Numeric>(_ type: E.Type) {
    subject = "\(E.elementType)"
    let a = (wave * 9.0).asType(E.self)
    anything(a, 1, 3)
    add("plus", a + a[0] + 3)
    add("minus", 3 - (a - a[0..., ..<1]))
    add("times", a * a * 2)
    add("square", a.square())
    add("zeros", session.zeros([5, 4], as: E.self) + session.ones([4]))
    add("sum", a.sum())
    add("sum 0", a.sum(axis: 0))
    add("sum 1", a.sum(axis: 1, keepDims: true))
    add("sum of a part", (a + 1)[2..<9].sum(axes: [0, 1]))
    add("product", a.product(axis: 1))
    add("mean", a.mean())
    add("mean 1", a.mean(axis: 1))
  }

  private mutating func ordered<E: ReducibleElement & Comparable & Numeric>(_ type: E.Type)
  where E.Average: BinaryFloatingPoint {
    numbers(type)
    let a = (wave * 9.0).asType(E.self)
    add("less", (a .< 2) .|| (a .> a[0]))
    add("lessOrEqual", (a .<= 2) .&& (a[0] .>= a))
    add("abs", a.abs())
    add("sign", a.sign())
    add("minimum", a.minimum(3).minimum(a[1]))
    add("maximum", a.maximum(3).maximum(a[1]))
    add("clip", a.clip(min: 1, max: 4))
    add("min", a.min())
    add("min 0", a.min(axis: 0))
    add("max", a.max(axes: [0, 1], keepDims: true))
    add("max 1", a.max(axis: 1))
    add("pow", a.pow(2))
    add("pow of arrays", a.abs().pow(a.clip(min: 0, max: 3)))
    add("variance", a.variance())
    add("variance 1", a.variance(axis: 1, ddof: 1))
    add("deviation", a.standardDeviation(axis: 0))
  }

  private mutating func integers<E: ReducibleElement & FixedWidthInteger>(_ type: E.Type)
  where E.Average: BinaryFloatingPoint {
    ordered(type)
    let a = (wave * 9.0).asType(E.self)
    add("quotient", a / a.maximum(2))
    add("quotient by a number", 100 / a.maximum(1) / 3)
    add("remainder", a % 4 + a % a.maximum(3))
    add("arange", session.arange(3 as E, 100, step: 7, chunks: [5]))
  }

  private mutating func floatingPoint<
    E: ReducibleElement & BinaryFloatingPoint & LinearAlgebraElement & AlgebraicField
  >(
    _ type: E.Type
  ) where E.Average: BinaryFloatingPoint {
    ordered(type)
    let a = wave.asType(E.self)
    let positive = a.abs() + 0.25
    let unit = a / 8
    for (name, result) in [
      ("sqrt", positive.sqrt()), ("exp", a.exp()), ("expm1", a.expm1()), ("log", positive.log()),
      ("log1p", positive.log1p()), ("log2", positive.log2()), ("log10", positive.log10()), ("sin", a.sin()),
      ("cos", a.cos()), ("tan", a.tan()), ("asin", unit.asin()), ("acos", unit.acos()), ("atan", a.atan()),
      ("sinh", a.sinh()), ("cosh", a.cosh()), ("tanh", a.tanh()), ("floor", a.floor()), ("ceil", a.ceil()),
      ("round", a.round()), ("reciprocal", positive.reciprocal()), ("negated", -a), ("quotient", a / positive),
      ("atan2", a.atan2(positive)), ("power", positive.pow(a)), ("log of nothing", (a - a).log()),
      ("arange", session.arange(-1.5 as E, 7, step: 0.3, chunks: [6])),
      ("linspace", session.linspace(-1 as E, 1, count: 37, chunks: [10])),
    ] { add(name, result) }
    add("isNaN", isNaN(a.sqrt()))
    add("isFinite", isFinite(a.log()))
    add("matmul", a.matmul(a.transposed()))
    add("matmul with a vector", a.matmul(a[0]))
    add("matmul of a vector", a[0..., 0].matmul(a))
    add("dot", a[0].matmul(a[1]))
  }

  private mutating func truths() {
    subject = "Bool"
    let a = wave .> 0
    anything(a, true, false)
    add("not", .!a)
    add("any", a.any())
    add("any 1", a.any(axis: 1))
    add("all", a.all(axis: 0, keepDims: true))
    add("sum", a.sum(axis: 0))
    add("mean", a.mean())
  }

  private mutating func decompositions() {
    let small = wave[0..., ..<9]
    // Large enough for the eigenvectors of the Gram matrix to be the way.
    let times = session.linspace(0.1, 4.0, count: 300 * 140)
    let large = (times * times * 3000.0).sin().reshaped([300, 140]).rechunked([64, -1])
    for (name, matrix) in [("small", small), ("wide", small.transposed()), ("large", large)] {
      let (u, s, vt) = matrix.svd()
      add("\(name) u", u)
      add("\(name) s", s)
      add("\(name) vt", vt)
      add("\(name) modes", (u * s)[0..., ..<5])
      add("\(name) patterns", vt[..<5])
    }
    subject = "Float"
    let (u, s, vt) = small.asType(Float.self).svd()
    add("u", u)
    add("s", s)
    add("vt", vt)
  }
}
