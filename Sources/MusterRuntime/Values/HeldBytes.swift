/// What a value holds in memory, and whether that is copied when the value is written. As small as an `Int`: there may be
/// millions.
@usableFromInline
package struct HeldBytes: Sendable {
  /// What it holds, in bytes; inverted where most of it is copied.
  private let bits: Int

  /// A value of which nothing is copied.
  @usableFromInline
  init(_ byteCount: Int) { bits = byteCount }

  init(_ byteCount: Int, copied: Int) {
    bits = CodingRoom.isNeeded(copying: copied, of: byteCount) ? ~byteCount : byteCount
  }

  @usableFromInline
  package var byteCount: Int { bits < 0 ? ~bits : bits }
  /// All that it holds, or nothing, whichever is nearer.
  package var copied: Int { bits < 0 ? ~bits : 0 }
}
