import Foundation
import Muster

/// Empirical orthogonal functions, the principal components of climate science, of a climate model's air temperature.
///
///     eof A1B_north_america.nc E1_north_america.nc --output results
///
/// Each input is one scenario run of the same model on the same grid. Both are analysed as one field, the second's
/// years stacked behind the first's: the patterns are those of the two together, the anomaly is from the mean over all
/// years of both, and each principal component shows where the scenarios part. Latitudes are weighted by the square
/// root of the cosine, so that a cell counts by its area.
///
/// Writes `eof.h5` and draws `eof.png`, by the script `eof.gnuplot`, in the output folder.
@main
struct EOF {
  /// How many modes are kept, of the leading ones.
  static let modeCount = 20

  static func main() async throws {
    try await Session.run { session in
      let options = try Options(CommandLine.arguments)

      // Lazy from here on: nothing is read but the shapes.
      let runs = try options.inputs.map { try session.open($0, dataset: "air_temperature").asType(Double.self) }
      let times = try options.inputs.map { try session.open($0, dataset: "time").asType(Double.self) }
      // What the input says of its coordinates goes with them: units, calendar, names.
      let coordinates = try ["time", "latitude", "longitude"].map { name in
        try session.inspect(options.inputs[0], dataset: name).attributes
      }
      let latitude = try session.open(options.inputs[0], dataset: "latitude").asType(Double.self)
      let longitude = try session.open(options.inputs[0], dataset: "longitude").asType(Double.self)

      let field = concatenated(runs)
      let anomaly = field - field.mean(axis: 0)
      let weights = sqrt(cos(latitude * (.pi / 180)))[0..., .newAxis]
      let (years, rows, columns) = (field.shape[0], field.shape[1], field.shape[2])
      let matrix = (anomaly * weights).reshaped([years, rows * columns])
      let (u, s, vt) = matrix.svd()

      // A mode and its opposite are the same: take the one whose map is positive on average.
      let sign = which(vt.sum(axis: 1) .< 0, -1.0, 1.0)
      let variance = s * s / (s * s).sum()
      let components = u * s * sign
      let maps = (vt * sign[0..., .newAxis]).reshaped([-1, rows, columns])
      // What one standard deviation of the component means at each place, in kelvin.
      let deviation = (s / Double(years - 1).squareRoot())[0..., .newAxis, .newAxis]
      let patterns = maps * deviation / weights

      let kept = 0..<min(modeCount, s.shape[0])
      let results = options.output + "/eof.h5"
      try session.onRoot("make the output folder") {
        try FileManager.default.createDirectory(atPath: options.output, withIntermediateDirectories: true)
      }
      try await session.write(
        to: results, attributes: ["title": "EOF analysis of air temperature", "Conventions": "CF-1.8"],
        [
          .dataset("time", concatenated(times), attributes: coordinates[0]),
          .dataset("latitude", latitude, attributes: coordinates[1]),
          .dataset("longitude", longitude, attributes: coordinates[2]),
          .dataset("mode", NDArray(kept.map { $0 + 1 })),
          .dataset("singular_values", s[kept], dimensions: ["mode"], attributes: ["units": "K"]),
          .dataset("explained_variance", variance[kept], dimensions: ["mode"], attributes: ["units": "1"]),
          .dataset(
            "principal_components", components[0..., kept], dimensions: ["time", "mode"], attributes: ["units": "K"]),
          .dataset("eof", maps[kept], dimensions: ["mode", "latitude", "longitude"]),
          .dataset(
            "pattern", patterns[kept], dimensions: ["mode", "latitude", "longitude"],
            attributes: ["units": "K", "long_name": "regression on the standardised principal component"]),
        ])

      // Read back from the file: computing them again would mean another SVD.
      let (shares, leading, rowPlaces, columnPlaces) = try await session.compute(
        try session.open(results, dataset: "explained_variance", as: Double.self),
        try session.open(results, dataset: "pattern", as: Double.self)[0],
        latitude, longitude)
      print("explained variance of the first five modes:")
      for (mode, share) in shares.elements.prefix(5).enumerated() {
        print("  \(mode + 1)  \(String(format: "%5.2f %%", 100 * share))")
      }

      try session.onRoot("draw the picture") {
        let plot = Plot(
          title:
            "Leading EOF of air temperature: \(String(format: "%.1f %%", 100 * shares.elements[0])) of the variance",
          pattern: leading, latitude: rowPlaces.elements, longitude: columnPlaces.elements,
          explainedVariance: shares.elements)
        try plot.draw(to: options.output + "/eof")
      }
      print("wrote \(results) and \(options.output)/eof.png")
    }
  }
}
