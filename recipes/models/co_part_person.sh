#!/usr/bin/env bash
# Measures parts on a filmed scene with a textured background (docs/how-to/find-and-swap-parts.md), on one CPU core in half an hour.
# usage: recipes/models/co_part_person.sh [VIDEO] [RUNS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
video=${1:-../shared/data/intel-scenes/clips/one-by-one-person-detection.mp4}
runs=${2:-runs}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

.venv/bin/python recipes/studies/person_scene.py "$video" "$runs/person-clips"
.venv/bin/kinema learn co_part "$runs/person-clips" -o "$runs/person" --start-from co_part-emoji --set train.steps=900 \
    --set objective.area=0.1 --set pairs.augment.rotation_degrees=0 --set 'pairs.augment.resize=[0.9,1.1]' \
    --set objective.lr_generator=3e-4 --set objective.lr_keypoints=3e-4
.venv/bin/kinema evaluate "$runs/person" "$runs/person-clips" --protocol parts --json "$runs/person/parts.json"
