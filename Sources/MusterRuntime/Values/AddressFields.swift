// The fields of a type are an interface of the standard library's own (its `Mirror` is made of it): no public one shows
// those of a type without a value.
@_spi(Reflection) internal import Swift

/// Types that are nothing but bytes, and of no use elsewhere: they hold addresses of this process.
enum AddressFields {
  /// Whether a type has an address in it: a pointer, a static string, a function of C's, a type, an object's identity.
  static func are(in type: Any.Type) -> Bool {
    var found = type is StaticString.Type
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
