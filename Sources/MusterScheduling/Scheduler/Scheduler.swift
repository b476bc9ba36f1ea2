public struct SchedulerConfiguration: Sendable { public init() {} }
public struct Scheduler: Sendable {
  public init(graph: TaskGraph, configuration: SchedulerConfiguration = .init()) throws {}
  public mutating func start(at now: Duration, into actions: inout [Action]) {}
  public mutating func handle(_ event: Event, at now: Duration, into actions: inout [Action]) {}
  public func holders(of: TaskID) -> [WorkerID] { [] }
  public func assigned(to: WorkerID) -> [TaskID] { [] }
  public var taskCount: Int { 0 }
  public var finishedCount: Int { 0 }
}
