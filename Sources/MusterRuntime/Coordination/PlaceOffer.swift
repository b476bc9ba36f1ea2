/// What a worker offers the scheduler.
package struct PlaceOffer: Equatable, Sendable {
  /// How many tasks it can have begun, those that wait among them, and not those that are overdue: they have failed.
  package var slots: Int
  package var waiting: Int
  /// The tasks that go on past their time limits.
  package var overdue: Int

  package init(slots: Int, waiting: Int = 0, overdue: Int = 0) {
    self.slots = slots
    self.waiting = waiting
    self.overdue = overdue
  }
}
