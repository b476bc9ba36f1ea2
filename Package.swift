// swift-tools-version: 6.1
import PackageDescription

// The MPI implementation is found through pkg-config. Open MPI is the default; `MUSTER_MPI=mpich`
// (or the name of any other pkg-config module) builds against another one.
let mpiModule: String = {
  switch Context.environment["MUSTER_MPI"] {
  case nil, "", "openmpi": "ompi-c"
  case let name?: name
  }
}()
let hdf5Module = Context.environment["MUSTER_HDF5"] ?? "hdf5"

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  // Async calls stay with their caller: closures given to `Session.run` may use what surrounds them.
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
  name: "muster",
  products: [
    .library(name: "Muster", targets: ["Muster"]),
    // Job scripts for whatever program, without MPI and HDF5.
    .library(name: "MusterBatch", targets: ["MusterBatch"]),
    .executable(name: "muster", targets: ["MusterCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ],
  targets: [
    // What the system provides; each through its pkg-config module.
    .systemLibrary(
      name: "MPILibrary", path: "Sources/SystemLibraries/MPI", pkgConfig: mpiModule,
      providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
    .systemLibrary(
      name: "HDF5Library", path: "Sources/SystemLibraries/HDF5", pkgConfig: hdf5Module,
      providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(
      name: "OpenBLASLibrary", path: "Sources/SystemLibraries/OpenBLAS", pkgConfig: "openblas",
      providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(
      name: "DeflateLibrary", path: "Sources/SystemLibraries/Deflate", pkgConfig: "libdeflate",
      providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(
      name: "SLEEFLibrary", path: "Sources/SystemLibraries/SLEEF", pkgConfig: "sleef",
      providers: [.apt(["libsleef-dev"])]),

    // C: one shim for each library, functions only, and the inner loops of elementwise programs.
    .target(name: "CLinux"),
    .target(name: "CMPI", dependencies: ["MPILibrary"]),
    .target(
      name: "CHDF5", dependencies: ["HDF5Library"], linkerSettings: [.linkedLibrary("hdf5_hl")]),
    .target(name: "COpenBLAS", dependencies: ["OpenBLASLibrary"]),
    .target(name: "CDeflate", dependencies: ["DeflateLibrary"]),
    .target(name: "CKernels", dependencies: ["SLEEFLibrary"]),

    .target(
      name: "MusterScheduling",
      dependencies: [
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: swiftSettings),
    // The file in which a program's progress outlives it: for the runtime, and for the command.
    .target(name: "MusterJournal", dependencies: ["CDeflate"], swiftSettings: swiftSettings),
    .target(
      name: "MusterRuntime",
      dependencies: [
        "MusterJournal", "MusterScheduling", "MusterUnits", "CMPI", "CLinux",
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "MusterArrays",
      dependencies: [
        "MusterRuntime", "CDeflate", "CHDF5", "COpenBLAS", "CKernels",
        .product(name: "ComplexModule", package: "swift-numerics"),
        .product(name: "RealModule", package: "swift-numerics"),
      ],
      swiftSettings: swiftSettings),
    // Sizes and lengths of time as people write them.
    .target(name: "MusterUnits", swiftSettings: swiftSettings),
    .target(
      name: "MusterBatch", dependencies: ["MusterUnits", .product(name: "Yams", package: "Yams")],
      swiftSettings: swiftSettings),
    // The command `muster`: a module can't differ from the library's by case alone.
    .executableTarget(
      name: "MusterCommand",
      dependencies: [
        "MusterBatch", "MusterJournal", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "Muster", dependencies: ["MusterArrays", "MusterBatch", "MusterRuntime"],
      swiftSettings: swiftSettings),

    .executableTarget(
      name: "eof", dependencies: ["Muster"], path: "examples/eof", swiftSettings: swiftSettings),

    // The scheduler and the state machines of its workers under a virtual clock, generators of random graphs, and of the
    // numbers that tests take.
    .target(
      name: "MusterSimulation", dependencies: ["MusterRuntime", "MusterScheduling"], path: "Tests/MusterSimulation",
      swiftSettings: swiftSettings),
    // The programs that multi-rank tests and benchmarks launch under mpirun.
    .executableTarget(
      name: "rank-programs",
      dependencies: [
        "Muster", "CMPI", .product(name: "ComplexModule", package: "swift-numerics"),
        .product(name: "RealModule", package: "swift-numerics"),
      ],
      path: "Tests/RankPrograms", swiftSettings: swiftSettings),
    .executableTarget(
      name: "benchmark-programs", dependencies: ["Muster"], path: "Benchmarks/programs",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MusterSchedulingTests", dependencies: ["MusterScheduling", "MusterSimulation"],
      swiftSettings: swiftSettings),
    .testTarget(name: "MusterJournalTests", dependencies: ["MusterJournal"], swiftSettings: swiftSettings),
    .testTarget(
      name: "MusterBatchTests", dependencies: ["MusterBatch", "MusterJournal", "MusterUnits", "MusterCommand"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MusterRuntimeTests",
      dependencies: ["MusterRuntime", "MusterScheduling", "MusterSimulation", "MusterUnits"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MusterArraysTests", dependencies: ["Muster", "MusterSimulation"], swiftSettings: swiftSettings),
    .testTarget(
      name: "MusterRankTests", dependencies: ["Muster", "MusterBatch", "rank-programs", "eof", "MusterCommand"],
      swiftSettings: swiftSettings),
  ]
)
