internal import MusterScheduling

/// What the program asks for.
extension LocalWorker {
  /// Runs a graph and lets go of it.
  ///
  /// The completion isn't called before this returns.
  func compute(_ submission: Submission, completion: @escaping Completion) {
    change {
      waiting[submission.graph] = Waiting(
        results: submission.plan.results, layers: submission.layers, completion: completion)
      do throws(MusterError) {
        try conductor.add(submission, at: now, into: &actions)
        boardTotal = conductor.scheduler.outstandingCount
        board?.begin(total: boardTotal)
      } catch {
        waiting[submission.graph] = nil
        calls.append { completion(.failure(error)) }
      }
    }
  }

  /// Stands for the graph of a collective that has none.
  static let gathering = GraphID(Int(UInt32.max))

  /// Waits for futures.
  ///
  /// The completion isn't called before this returns.
  func gather(_ tasks: [TaskID], completion: @escaping Completion) {
    change {
      var new = Waiting(results: tasks, completion: completion)
      new.unsettled = Set(tasks.filter { conductor.settlements[$0] == nil })
      boardTotal = conductor.scheduler.outstandingCount
      board?.begin(total: boardTotal)
      waiting[Self.gathering] = new
      if let error = conductor.firstError(of: tasks) {
        end(Self.gathering, new, .failure(error))
      } else if new.unsettled.isEmpty {
        complete(Self.gathering)
      }
    }
  }

  /// Begins to run a graph whose results stay.
  func submit(_ submission: Submission) {
    change {
      // What is wrong with it is for whoever asks for its results.
      try? conductor.add(submission, at: now, into: &actions)
    }
  }

  func release(_ tasks: [TaskID], of graph: GraphID) { drop(.results(tasks, of: graph)) }

  func endWatch(_ number: Int) { drop(.watch(number)) }

  private func drop(_ what: Dropped) {
    dropped.withLock { $0.append(what) }
    // Whoever holds the lock looks before it rests.
    guard holder.load(ordering: .relaxed) != Self.thread else { return }
    acquire()
    // Threads that run tasks look at it when those end, which may take long.
    guard idle > 0 || isSynchronous || isShutDown else { return finishChange() }
    condition.signal()
    relinquish()
  }

  /// Does what `drop` asked for.
  func takeDropped() {
    let taken = dropped.withLock { list in
      defer { list = [] }
      return list
    }
    guard !taken.isEmpty else { return }
    for what in taken {
      switch what {
      case .results(let tasks, let graph):
        for task in tasks { conductor.handle(.resultReleased(task, of: graph), at: now, into: &actions) }
      case .watch(let number): conductor.endWatch(number)
      }
    }
    apply()
  }

  func cancel(_ tasks: [TaskID]) {
    change { for task in tasks { conductor.handle(.cancelled(task), at: now, into: &actions) } }
    coordination.tasksCancelled(tasks)
  }

  func ask(_ question: FutureQuestion, completion: @escaping @Sendable (Result<[UInt8], MusterError>) -> Void) {
    change {
      switch question {
      case .settled(let watch, let timeout):
        conductor.watch(watch)
        asked.append(Asked(watch: watch.number, deadline: timeout.map { now + $0 }, completion: completion))
        if timeout != nil { startTimer() }
      case .status(let tasks):
        let answer = tasks.map { conductor.status(of: $0).rawValue }
        calls.append { completion(.success(answer)) }
      }
    }
  }

  func graphCounts() -> GraphCounts {
    acquire()
    defer { relinquish() }
    return conductor.counts
  }

  func answerAsked() {
    let now = self.now
    asked.removeAll { question in
      let answer = conductor.takeSettled(of: question.watch)
      guard answer != nil || question.deadline.map({ $0 <= now }) == true else { return false }
      calls.append { question.completion(.success(answer ?? [])) }
      return true
    }
  }
}
