internal import MusterRuntime

/// A dataset of an HDF5 file, read by whoever needs a part of it.
struct HDF5Source: RegionSource {
  var info: HDF5DatasetInfo

  var name: String { "read" }
  var cost: BlockFunction.Cost { .reading }

  /// Any grid where the elements lie in the file as they are; else those that don't read a chunk of the file twice.
  func yieldsDirectly(_ grid: ChunkGrid) -> Bool {
    guard info.contiguousOffset == nil, let chunk = info.chunkShape else { return true }
    return zip(grid.offsets, chunk).allSatisfy { offsets, size in
      offsets.dropLast().allSatisfy { $0 % max(size, 1) == 0 }
    }
  }

  func block(_ region: ArrayRegion) throws -> AnyNDArray {
    try HDF5Reader.read(info, region: zip(region.origin, region.shape).map { $0..<$0 + $1 })
  }
}
