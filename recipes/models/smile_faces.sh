#!/usr/bin/env bash
# Reproduces the shipped models smile-faces and expression_gan-faces from ../shared/data/smiles, the paper's U-Net beside them,
# and a monkey_net with predictor as a baseline; on one CPU core in about four hours.
# The translator of the shipped smile-faces learned its first 1341 steps, with resize_deformation for the moved pixels, in a
# run of its own; here they are part of one run.
# usage: recipes/models/smile_faces.sh [DATA] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
data=${1:-../shared/data/smiles}
runs=${2:-runs}
kinema=.venv/bin/kinema
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# Landmarks to frames, with two networks and the same number of steps.
frames=(--preset small_96 --set objective.landmarks.learning_rate=0 --set expressions.framing=frame
    --set train.batch_size=4 --set train.steps=7841 --set objective.gan_start_step=4841)
$kinema learn smile "$data" -o "$runs/smile-warp" "${frames[@]}"
$kinema learn smile "$data" -o "$runs/smile-unet" "${frames[@]}" --set translator.kind=unet \
    --set translator.unet.num_levels=5 --set translator.unet.block_expansion=32 --set translator.unet.max_features=160

# The landmark networks, on the finished translators: a minute and a half each.
landmarks=(--set objective.lr_translator=0 --set 'objective.perceptual=[]' --set train.batch_size=8 --set train.seed=1
    --set train.steps=1800 --set train.average_decay=0 --set train.channels_last=false --set train.lr_warmup_steps=0
    --set objective.landmarks.sequence_step=300 --set objective.landmarks.modes_step=700
    --set objective.landmarks.tune_step=1500 --set objective.landmarks.end_step=1800)
$kinema learn smile "$data" -o "$runs/smile" --config "$runs/smile-warp/config.json" --start-from "$runs/smile-warp" \
    "${landmarks[@]}"
$kinema learn smile "$data" -o "$runs/smile-u" --config "$runs/smile-unet/config.json" --start-from "$runs/smile-unet" \
    "${landmarks[@]}"

$kinema learn expression_gan "$data" -o "$runs/expression" --preset small_64 --set train.steps=6000 \
    --set objective.sequence_step=2500 --set objective.joint_step=4000 --set expressions.framing=frame

$kinema learn monkey_net "$data/train" -o "$runs/monkey-smiles" --preset small_128 --start-from monkey_net-emoji \
    --set 'frames.size=[96,96]' --set train.steps=800
$kinema learn monkey_net "$data/train" -o "$runs/monkey-predictor" --stage predictor --start-from "$runs/monkey-smiles" \
    --set objective.prediction_samples=3

for run in smile smile-u expression; do
    $kinema evaluate "$runs/$run" "$data" --protocol smile --face --beside "$runs/monkey-predictor" \
        --json "$runs/$run/smile.json"
done
.venv/bin/python recipes/models/ship_model.py "$runs/smile" smile-faces
.venv/bin/python recipes/models/ship_model.py "$runs/expression" expression_gan-faces
