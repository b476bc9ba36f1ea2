/// Stops the program where a caller broke a precondition, with a message that release builds show too: those leave out
/// what `precondition` would say.
@inline(__always)
func require(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  guard condition() else { fatalError(message(), file: file, line: line) }
}
