internal import CLinux

/// The processors that a process may run on, as a bit for each.
package struct ProcessorMask: Equatable, Sendable {
  package static let byteCount = Int(CLINUX_PROCESSOR_MASK_SIZE)

  package var bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// This process's own, which a launcher or the batch system may have narrowed.
  static var own: ProcessorMask {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    if clinux_allowed_processors(&bytes) != 0 {
      // More processors than the mask holds.
      for number in 0..<min(Processors.online, 8 * byteCount) { bytes[number / 8] |= 1 << (number % 8) }
    }
    return ProcessorMask(bytes: bytes)
  }

  var count: Int { bytes.reduce(0) { $0 + $1.nonzeroBitCount } }

  func contains(_ number: Int) -> Bool { bytes[number / 8] & (1 << (number % 8)) != 0 }

  func union(_ other: ProcessorMask) -> ProcessorMask {
    ProcessorMask(bytes: zip(bytes, other.bytes).map { $0 | $1 })
  }
}
