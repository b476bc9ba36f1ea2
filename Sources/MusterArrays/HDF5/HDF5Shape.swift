import CHDF5

/// Shapes as the library's dataspaces. Called with the library's lock held.
enum HDF5Shape {
  /// The shape of a dataspace; empty for a scalar, nil for the null dataspace, which has no elements and no shape.
  static func of(_ space: chdf5_id) throws -> [Int]? {
    switch chdf5_space_extent(space) {
    case .scalar: return []
    case .null: return nil
    case .simple:
      let rank = Int(chdf5_space_rank(space))
      var shape = [UInt64](repeating: 0, count: max(rank, 1))
      chdf5_space_shape(space, &shape)
      return shape.prefix(rank).map(Int.init)
    }
  }

  static func space(_ shape: [Int], path: String) throws -> HDF5Identifier {
    try HDF5Identifier(
      shape.isEmpty
        ? chdf5_create_scalar_space() : chdf5_create_simple_space(Int32(shape.count), shape.map(UInt64.init)),
      "a dataspace of the shape \(shape)", in: path)
  }
}
