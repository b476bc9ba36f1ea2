// Carries the compile and link flags of the library's pkg-config module; the shim includes its headers.
