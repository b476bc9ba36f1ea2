/// What the scheduler knows of a graph that was added to it.
struct GraphRecord: Sendable {
  let id: GraphID
  /// The numbers of its layers.
  let layers: Range<Int>
  /// Their slots, and the ordinals of its tasks.
  var slots: Range<Int>
  var tasks: Range<Int>
  /// The ordinals of its results, each once; those of other graphs among them.
  var results: ContiguousArray<UInt32>
  let urgency: Int16
  let reportsEachResult: Bool
  /// It has had any.
  var hadResults = false
  /// The results that it keeps.
  var unreleased: Int
  /// Those of them that aren't there.
  var outstanding = 0
  /// It was reported as failed.
  var hasFailed = false
  /// Its layers with tasks that are still to be computed. Kept where lost blocks aren't recovered.
  var unfinishedLayers = 0
  /// The graphs whose tasks it takes or keeps, and how many that are not gone take tasks of it. Where lost blocks aren't
  /// recovered, what it takes is struck off once all of its tasks are done.
  var buildsOn: [GraphID] = []
  var builtOn = 0
  /// While it is on its way out: its tasks that workers still have.
  var lingering: Int?
  /// Nothing needs it any more; its tasks are in the table still.
  var isGone = false
}
