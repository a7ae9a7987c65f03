#!/usr/bin/env bash
# Reproduces the shipped model co_part-emoji from ../shared/data/emoji, on one CPU core in about an hour.
# usage: recipes/co_part_emoji.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=${1:-../shared/data/emoji}
runs=${2:-runs}
kinema=.venv/bin/kinema
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# Fine-tuned from first_order, as the paper does; jitter tells objects from white (docs/decisions.md).
$kinema learn co_part "$data" -o "$runs/part" --preset small_128 --start-from first_order-emoji --set train.steps=3000 \
    --set pairs.augment.jitter_degrees=15 --set 'pairs.augment.jitter_resize=[0.9,1.1]' --set pairs.augment.jitter_shift=0.15

for protocol in reconstruction cross_look parts; do
    $kinema evaluate "$runs/part" "$data" --protocol "$protocol" --json "$runs/part/$protocol.json"
done
.venv/bin/python recipes/ship_model.py "$runs/part" co_part-emoji
