import ArgumentParser
import Foundation
import MusterBatch

/// How a command says what it found.
struct FormatOptions: ParsableArguments {
  @Flag(help: "Prints JSON, for programs.") var json = false

  static var json: FormatOptions {
    var options = FormatOptions()
    options.json = true
    return options
  }

  /// Prints a value as JSON, or as text.
  func print(_ value: some Encodable, asText text: () -> String) throws {
    guard json else { return Swift.print(text()) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}

/// How a command speaks with the batch system.
struct QueueOptions: ParsableArguments {
  @Option(help: "For how many seconds to wait for an answer of the batch system, each time.") var patience = 60.0

  func validate() throws {
    guard patience > 0, patience < 1e6 else { throw ValidationError("--patience is above 0") }
  }

  var submission: Submission { Submission(patience: patience) }
}
