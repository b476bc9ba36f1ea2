import Muster

/// The arguments of the program.
struct Options {
  var inputs: [String] = []
  var output = "."

  /// - Throws: `MusterError` with code `invalidArgument`, with how to call the program.
  init(_ arguments: [String]) throws {
    var rest = arguments.dropFirst()
    while let argument = rest.popFirst() {
      if argument == "--output", let folder = rest.popFirst() {
        output = folder
      } else if argument.hasPrefix("-") {
        throw Self.misuse("'\(argument)' isn't an option, or lacks its value")
      } else {
        inputs.append(argument)
      }
    }
    if inputs.isEmpty { throw Self.misuse("no input file is named") }
  }

  private static func misuse(_ what: String) -> MusterError {
    MusterError(.invalidArgument, what, fix: "Call it so: eof INPUT... [--output FOLDER]")
  }
}
