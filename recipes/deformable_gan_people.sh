#!/usr/bin/env bash
# Reproduces the shipped model deformable_gan-people from ../shared/data/people, on one CPU core in about an hour and a
# quarter, and the same network without deformable skips on the same number of steps, which is not shipped.
# usage: recipes/deformable_gan_people.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=${1:-../shared/data/people/market128x64}
runs=${2:-runs}
kinema=.venv/bin/kinema
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

$kinema learn deformable_gan "$data" -o "$runs/deform" --preset small_128
$kinema learn deformable_gan "$data" -o "$runs/plain" --preset small_128 \
    --set motion.kind=none --set generator.two_encoders=false

for run in deform plain; do
    $kinema evaluate "$runs/$run" "$data" --protocol repose --poses --json "$runs/$run/repose.json"
done
.venv/bin/python recipes/ship_model.py "$runs/deform" deformable_gan-people
