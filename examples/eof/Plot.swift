import Foundation
import Muster

/// The picture of an EOF analysis: the leading pattern as a map beside the scree plot, drawn by gnuplot.
struct Plot {
  var title: String
  /// Latitude × longitude, in kelvin.
  var pattern: NDArray<Double>
  var latitude: [Double]
  var longitude: [Double]
  /// Of each mode, as a part of the whole.
  var explainedVariance: [Double]

  /// Draws the picture into `NAME.png`, by the script `NAME.gnuplot`, which stays for those who want to change it.
  ///
  /// - Throws: `MusterError`: `fileNotFound` where there is no gnuplot, `taskFailed` with its message where it fails.
  func draw(to name: String) throws {
    let scriptPath = name + ".gnuplot"
    try script(output: name + ".png").write(toFile: scriptPath, atomically: true, encoding: .utf8)
    let gnuplot = Process()
    gnuplot.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    gnuplot.arguments = ["gnuplot", scriptPath]
    let errors = Pipe()
    gnuplot.standardInput = FileHandle.nullDevice
    gnuplot.standardError = errors
    try gnuplot.run()
    let message = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    gnuplot.waitUntilExit()
    // What `env` leaves with where it doesn't find the program.
    if gnuplot.terminationStatus == 127 {
      throw MusterError(
        .fileNotFound, "gnuplot, which draws the picture, isn't installed; the results are written already",
        fix: "Install it (on Debian: apt-get install gnuplot-nox) and call: gnuplot \(scriptPath)")
    }
    guard gnuplot.terminationStatus == 0 else {
      throw MusterError(.taskFailed, "gnuplot failed at \(scriptPath): \(message)")
    }
  }

  private func script(output: String) -> String {
    let percent = explainedVariance.map { 100 * $0 }
    let bound = pattern.elements.map(abs).max() ?? 1
    return """
      set terminal pngcairo size 1500,620 font 'Liberation Sans,13' background '#ffffff'
      set output '\(output.replacing("'", with: "''"))'
      set multiplot
      set border lw 1.2 lc rgb '#444444'
      set tics out nomirror textcolor rgb '#444444'

      $pattern << END
      \(mapRows())
      END
      set size 0.62, 1.0
      set origin 0.0, 0.0
      set lmargin at screen 0.055
      set rmargin at screen 0.545
      set bmargin at screen 0.12
      set tmargin at screen 0.87
      set title '\(title)' font ',16' offset 0, 0.4
      set xrange [\(edges(longitude))]
      set yrange [\(edges(latitude))]
      set xtics (\(ticks(longitude, every: 15, positive: "E", negative: "W")))
      set ytics (\(ticks(latitude, every: 10, positive: "N", negative: "S")))
      set palette defined (-4 '#053061', -3 '#2166ac', -2 '#67a9cf', -1 '#d1e5f0', 0 '#f7f7f7', \
      1 '#fddbc7', 2 '#ef8a62', 3 '#b2182b', 4 '#67001f')
      set cbrange [\(-bound):\(bound)]
      set cblabel 'kelvin per standard deviation of the component' offset 0.5, 0
      set colorbox user origin screen 0.562, screen 0.12 size screen 0.014, screen 0.75
      plot $pattern using 1:2:3 with image notitle

      $variance << END
      \(percent.enumerated().map { "\($0.offset + 1) \($0.element)" }.joined(separator: "\n"))
      END
      unset colorbox
      set size 0.38, 1.0
      set origin 0.62, 0.0
      set lmargin at screen 0.715
      set rmargin at screen 0.985
      set title 'Explained variance of the first \(percent.count) modes' font ',16' offset 0, 0.4
      set xlabel 'mode'
      set ylabel 'explained variance (%), logarithmic'
      set xrange [0:\(percent.count + 1)]
      set logscale y
      set yrange [\(0.6 * (percent.last ?? 1)):200]
      set xtics 5
      set ytics auto
      set grid ytics lc rgb '#dddddd' lt 1
      plot $variance using 1:2 with linespoints lw 1.5 pt 7 ps 1.0 lc rgb '#2166ac' notitle, \
      $variance every ::0::4 using 1:2:(sprintf('%.1f %%', $2)) with labels left offset 0.9, 0.3 font ',11' notitle
      unset multiplot

      """
  }

  /// One line for each point: longitude, latitude, value.
  private func mapRows() -> String {
    let values = pattern.elements
    return latitude.indices.flatMap { row in
      longitude.indices.map { column in
        "\(longitude[column]) \(latitude[row]) \(values[row * longitude.count + column])"
      }
    }.joined(separator: "\n")
  }

  /// The outer edges of the cells around evenly spaced coordinates.
  private func edges(_ coordinates: [Double]) -> String {
    let (low, high) = (coordinates.min() ?? 0, coordinates.max() ?? 1)
    let half = (high - low) / Double(max(1, coordinates.count - 1)) / 2
    return "\(low - half):\(high + half)"
  }

  /// Ticks at round degrees: `'135°W' 225`.
  private func ticks(_ coordinates: [Double], every step: Double, positive: String, negative: String) -> String {
    let (low, high) = (coordinates.min() ?? 0, coordinates.max() ?? 1)
    return stride(from: (low / step).rounded(.up) * step, through: high, by: step).map { degrees in
      let signed = degrees > 180 ? degrees - 360 : degrees
      let side = signed == 0 ? "" : signed > 0 ? positive : negative
      return "'\(Int(abs(signed)))°\(side)' \(degrees)"
    }.joined(separator: ", ")
  }
}
