#!/usr/bin/env bash
# Reproduces the shipped model first_order-emoji from ../shared/data/emoji, on two CPU cores in about an hour and a half.
# usage: recipes/first_order_emoji.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=${1:-../shared/data/emoji}
runs=${2:-runs}
kinema=.venv/bin/kinema
# Threads that change cores wait for each other: pinned ones are several times faster on a busy machine.
export OMP_PROC_BIND=true

$kinema learn first_order "$data" -o "$runs/emoji-128" --preset small_128 --set train.steps=6100
# A finish on pixels alone: the perceptual term, worth twice the pixel term, holds the colours a little off.
$kinema learn first_order "$data" -o "$runs/emoji-128-l1" --preset small_128 --start-from "$runs/emoji-128" \
    --set train.steps=1900 --set 'objective.perceptual=[]' --set 'objective.pixel=[30,10,5]' \
    --set objective.lr_generator=2e-4 --set objective.lr_keypoints=2e-4

for protocol in reconstruction cross_look; do
    $kinema evaluate "$runs/emoji-128-l1" "$data" --protocol "$protocol" --json "$runs/emoji-128-l1/$protocol.json"
done
.venv/bin/python recipes/ship_model.py "$runs/emoji-128-l1" first_order-emoji
