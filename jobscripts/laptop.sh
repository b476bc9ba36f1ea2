#!/bin/bash

set -euo pipefail
export SWIFT_DETERMINISTIC_HASHING=1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export MUSTER_THREADS=1

exec mpirun -n 3 --bind-to none --oversubscribe \
  .build/release/eof data/A1B_north_america.nc data/E1_north_america.nc --output results/eof
