#!/usr/bin/env bash
# Reproduces the shipped model first_order-emoji from ../shared/data/emoji, on two CPU cores in about three and a half hours.
# usage: recipes/models/first_order_emoji.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
data=${1:-../shared/data/emoji}
runs=${2:-runs}
kinema=.venv/bin/kinema
# Pinned threads are several times faster on a busy machine, where threads that change cores wait for each other.
export OMP_PROC_BIND=true

$kinema learn first_order "$data" -o "$runs/emoji-128" --preset small_128 --set train.steps=6100
# Last, training on pixels alone: the perceptual term, twice as large as the pixel term, shifts the colours a little.
$kinema learn first_order "$data" -o "$runs/emoji-128-l1" --preset small_128 --start-from "$runs/emoji-128" \
    --set train.steps=1900 --set 'objective.perceptual=[]' --set 'objective.pixel=[30,10,5]' \
    --set objective.lr_generator=2e-4 --set objective.lr_keypoints=2e-4
# Finer motion maps and sixteen keypoints; the detector's trunk and the generator are kept, other layers start from random weights.
$kinema learn first_order "$data" -o "$runs/emoji-128-fine" --preset small_128 --start-from "$runs/emoji-128-l1" \
    --set keypoints.num_kp=16 --set motion.num_kp=16 --set discriminator.num_kp=16 \
    --set motion.scale_factor=0.5 --set motion.block_expansion=16 --set motion.num_blocks=4 --set motion.max_features=192 \
    --set 'objective.perceptual=[]' --set 'objective.pixel=[30,10,5]' --set train.steps=9000 --set train.precision=bfloat16

for protocol in reconstruction cross_look; do
    $kinema evaluate "$runs/emoji-128-fine" "$data" --protocol "$protocol" --json "$runs/emoji-128-fine/$protocol.json"
done
.venv/bin/python recipes/models/ship_model.py "$runs/emoji-128-fine" first_order-emoji
