import ComplexModule
import MusterArrays
import MusterSimulation
import Testing

/// Casts between all types, against their rules written down an element at a time.
struct CastTests {
  private func number(_ value: ScalarValue) -> (real: Double, imaginary: Double, integer: Int128?) {
    switch value.elementType {
    case .float64: (value.value(as: Double.self), 0, nil)
    case .float32: (Double(value.value(as: Float.self)), 0, nil)
    case .int8: integer(value.value(as: Int8.self))
    case .int16: integer(value.value(as: Int16.self))
    case .int32: integer(value.value(as: Int32.self))
    case .int64: integer(value.value(as: Int64.self))
    case .uint8: integer(value.value(as: UInt8.self))
    case .uint16: integer(value.value(as: UInt16.self))
    case .uint32: integer(value.value(as: UInt32.self))
    case .uint64: integer(value.value(as: UInt64.self))
    case .bool: integer(value.value(as: Bool.self) ? 1 : 0)
    case .complex128:
      (value.value(as: Complex<Double>.self).rawStorage.x, value.value(as: Complex<Double>.self).rawStorage.y, nil)
    case .complex64:
      (
        Double(value.value(as: Complex<Float>.self).rawStorage.x),
        Double(value.value(as: Complex<Float>.self).rawStorage.y), nil
      )
    }
  }

  private func integer<T: FixedWidthInteger>(_ value: T) -> (real: Double, imaginary: Double, integer: Int128?) {
    (Double(value), 0, Int128(value))
  }

  private func integer<T: FixedWidthInteger & ArrayElement>(_ value: ScalarValue, as type: T.Type) -> ScalarValue {
    let (real, _, exact) = number(value)
    if let exact { return ScalarValue(T(truncatingIfNeeded: exact)) }
    if real.isNaN { return ScalarValue(T(0)) }
    let whole = real.rounded(.towardZero)
    return ScalarValue(T(exactly: whole) ?? (whole < 0 ? .min : .max))
  }

  private func expected(_ value: ScalarValue, _ type: ElementType) -> ScalarValue {
    let (real, imaginary, exact) = number(value)
    // Integers go to Float in one rounding, not by way of Double.
    let single = exact.map { Float($0) } ?? Float(real)
    switch type {
    case .float64: return ScalarValue(real)
    case .float32: return ScalarValue(single)
    case .int8: return integer(value, as: Int8.self)
    case .int16: return integer(value, as: Int16.self)
    case .int32: return integer(value, as: Int32.self)
    case .int64: return integer(value, as: Int64.self)
    case .uint8: return integer(value, as: UInt8.self)
    case .uint16: return integer(value, as: UInt16.self)
    case .uint32: return integer(value, as: UInt32.self)
    case .uint64: return integer(value, as: UInt64.self)
    case .bool: return ScalarValue(real != 0 || imaginary != 0)
    case .complex128: return ScalarValue(Complex(real, imaginary))
    case .complex64: return ScalarValue(Complex(single, Float(imaginary)))
    }
  }

  private func isNaN(_ value: ScalarValue) -> (Bool, Bool) {
    let (real, imaginary, _) = number(value)
    return (real.isNaN, imaginary.isNaN)
  }

  @Test(arguments: ElementType.allCases)
  func allTypesToAllOthers(_ source: ElementType) throws {
    var random = SplitMix64(seed: 11)
    let values = random.elements(source, [1200])
    for target in ElementType.allCases {
      for instructionSet in InstructionSet.allCases where instructionSet.isAvailable {
        var program = ElementwiseProgram()
        program.finish(program.cast(program.input(source), to: target))
        let result = try program.run([values], shape: values.shape, instructionSet: instructionSet)
        for position in 0..<values.count {
          let (value, wanted) = (result.scalar(position), expected(values.scalar(position), target))
          let bothNaN = isNaN(value) == isNaN(wanted) && isNaN(value) != (false, false)
          if value != wanted, !bothNaN {
            Issue.record(
              "\(number(values.scalar(position))) as \(source) to \(target): \(number(value)), not \(number(wanted))")
            return
          }
        }
      }
      #expect(try values.cast(to: target).elementType == target)
    }
  }
}
