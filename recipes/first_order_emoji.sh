#!/usr/bin/env bash
# Reproduces the shipped model first_order-emoji from ../shared/data/emoji, on two CPU cores in about two hours.
# usage: recipes/first_order_emoji.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
data=${1:-../shared/data/emoji}
runs=${2:-runs}
kinema=.venv/bin/kinema
# Threads that change cores wait for each other: pinned ones are several times faster on a busy machine.
export OMP_PROC_BIND=true

# Small frames first: a step costs half, and motion at 32 x 32 is learned as well from 64 pixels as from 128.
$kinema learn first_order "$data" -o "$runs/emoji-64" --preset small_64 \
    --set train.steps=STEPS_64 --set train.schedule=constant
$kinema learn first_order "$data" -o "$runs/emoji-128" --preset small_128 --start-from "$runs/emoji-64" \
    --set train.steps=STEPS_128

for protocol in reconstruction cross_look; do
    $kinema evaluate "$runs/emoji-128" "$data" --protocol "$protocol" --json "$runs/emoji-128/$protocol.json"
done
.venv/bin/python recipes/ship_model.py "$runs/emoji-128" first_order-emoji
