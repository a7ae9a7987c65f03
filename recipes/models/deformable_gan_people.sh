#!/usr/bin/env bash
# Reproduces the shipped model deformable_gan-people from ../shared/data/people, on one CPU core in about two hours, and the
# same network without deformable skips on the first 5000 steps, which is not shipped.
# usage: recipes/models/deformable_gan_people.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
data=${1:-../shared/data/people/market128x64}
runs=${2:-runs}
kinema=.venv/bin/kinema
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

$kinema learn deformable_gan "$data" -o "$runs/deform" --preset small_128
$kinema learn deformable_gan "$data" -o "$runs/plain" --preset small_128 \
    --set motion.kind=none --set generator.two_encoders=false

# For sharper pictures, the weight of features is doubled and that of the GAN raised by half.
$kinema learn deformable_gan "$data" -o "$runs/deform-fine" --preset small_128 --start-from "$runs/deform" \
    --set train.steps=3000 --set objective.lr_generator=6e-4 --set objective.gan_start_step=200 \
    --set objective.generator_gan=0.3 --set 'objective.perceptual=[0.4,0.4,0.4]'

for run in deform plain deform-fine; do
    $kinema evaluate "$runs/$run" "$data" --protocol repose --poses --limit 400 --json "$runs/$run/repose.json"
done
.venv/bin/python recipes/models/ship_model.py "$runs/deform-fine" deformable_gan-people
