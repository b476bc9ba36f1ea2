import MusterUnits
import Testing

struct WalltimeTests {
  @Test(arguments: [
    ("2h30m", 9000), ("2h 30m", 9000), ("90 min", 5400), ("1d12h", 129_600), ("45m", 2700), ("30s", 30),
    ("1 day 2 hours 3 minutes 4 seconds", 93_784), ("02:30:00", 9000), ("36:00:00", 129_600), ("1-12:00:00", 129_600),
    ("00:00:01", 1), ("2H", 7200),
  ])
  func readsWhatPeopleWrite(text: String, seconds: Int) { #expect(Walltime.parse(text) == seconds) }

  @Test(arguments: [
    "", "30", "2:30", "0h", "00:00:00", "2h2h", "30m2h", "2x", "h", "-2h", "1.5h", "00:60:00", "00:00:60", "1-24:00:00",
    "1-2-3:00:00", "99999999999999999999h", "9223372036854775807d", "2h 30", "+1h", "٣h",
  ])
  func takesNothingElse(text: String) { #expect(Walltime.parse(text) == nil) }

  @Test func says() {
    #expect(Walltime.clockText(9000) == "02:30:00")
    #expect(Walltime.clockText(129_600) == "36:00:00")
    #expect(Walltime.text(129_601) == "1d12h1s")
    for seconds in [1, 59, 60, 3600, 86_399, 86_400, 400_000] {
      #expect(
        Walltime.parse(Walltime.text(seconds)) == seconds && Walltime.parse(Walltime.clockText(seconds)) == seconds)
    }
  }
}
