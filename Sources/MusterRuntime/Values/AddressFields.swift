// The fields of a type are an interface of the standard library's own (its `Mirror` is made of it): no public one shows
// those of a type without a value.
@_spi(Reflection) internal import Swift

private protocol AnyOptional { static var wrapped: Any.Type { get } }
extension Optional: AnyOptional { static var wrapped: Any.Type { Wrapped.self } }

private protocol AnyUnmanaged {}
extension Unmanaged: AnyUnmanaged {}

/// Types that are nothing but bytes, and of no use elsewhere: they hold addresses of this process.
enum AddressFields {
  /// Whether a type has an address in it: a pointer, a static string, a function of C's, a type, an object's identity. What
  /// the cases of an enum hold isn't seen.
  static func are(in type: Any.Type) -> Bool {
    if let optional = type as? any AnyOptional.Type { return are(in: optional.wrapped) }
    var found = type is StaticString.Type || type is any AnyUnmanaged.Type
    _ = _forEachField(of: type) { _, _, field, kind in
      switch kind {
      case .function, .metatype: found = true
      default: found = found || _typeName(field) == "Builtin.RawPointer" || are(in: field)
      }
      return !found
    }
    return found
  }
}
