import Foundation
import MusterRuntime
import Testing

struct ProgramWaitTests {
  @Test(arguments: [0, 50_000]) func givesWhatIsThereAlready(patience: Int) async {
    let wait = ProgramWait<Int>()
    wait.give(7)
    #expect(await wait.value(patience: patience) == 7)
  }

  /// The one looks for it until it comes; the other suspends before it does.
  @Test(arguments: [60_000_000_000, 0]) func givesWhatAnotherThreadGives(patience: Int) async {
    for number in 0..<200 {
      let wait = ProgramWait<Int>()
      Thread.detachNewThread {
        if number % 2 == 0 { usleep(200) }
        wait.give(number)
      }
      #expect(await wait.value(patience: patience) == number)
    }
  }
}
