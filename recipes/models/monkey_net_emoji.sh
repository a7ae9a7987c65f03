#!/usr/bin/env bash
# Reproduces the shipped model monkey_net-emoji and its predictor from ../shared/data/emoji, on one CPU core in two hours.
# usage: recipes/models/monkey_net_emoji.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
data=${1:-../shared/data/emoji}
runs=${2:-runs}
kinema=.venv/bin/kinema
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# Both hourglasses start from first_order-emoji; heads are folded to 3x3, and the generator starts from random weights.
$kinema learn monkey_net "$data" -o "$runs/monkey" --preset small_128 --start-from first_order-emoji \
    --set train.steps=5500
# The predictor, trained on the keypoints of the finished model; a few minutes.
$kinema learn monkey_net "$data" -o "$runs/monkey-predictor" --stage predictor --start-from "$runs/monkey" \
    --set objective.prediction_samples=3

for protocol in reconstruction cross_look prediction; do
    $kinema evaluate "$runs/monkey-predictor" "$data" --protocol "$protocol" --json "$runs/monkey-predictor/$protocol.json"
done
.venv/bin/python recipes/models/ship_model.py "$runs/monkey-predictor" monkey_net-emoji
