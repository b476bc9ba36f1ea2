extension Result where Success == any Block {
  /// What the block holds, in bytes; nil where there is none.
  var byteCount: Int? {
    switch self {
    case .success(let block): block.byteCount
    case .failure: nil
    }
  }
}
