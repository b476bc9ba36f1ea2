/// What a command couldn't do though it was called as it should be: said without the command's usage.
struct CommandFailure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
