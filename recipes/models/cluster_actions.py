"""Replaces the actions of a playable model by k-means clusters of its action directions in training clips.

usage: cluster_actions.py RUN CLIPS MODEL [--clips 100]

No labels are read. If training with mutual information leaves some actions unused, they stay unused, as their logits
get no gradient. The directions may still separate the movements. They are rotated to their principal axes; each axis
whose standard deviation is at least 0.3 of the largest is scaled to variance 1, so that short movements count as much
as long ones. One cluster stays at 0, so that doing nothing is an action. The new classifier is that of Gaussians with
equal variance around the means of the clusters, which also become the centroids. Train on with ``--start-from``.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kinema.data.clips.cache import FrameCache
from kinema.data.clips.folder import scan_folder
from kinema.framing.pixels import to_frames
from kinema.runtime.load import load_for
from kinema.weights.card import write_card
from kinema.weights.catalogue import find_model
from kinema.weights.model_folder import read_model, save_model

RESTARTS, ROUNDS, MIN_SCALE = 40, 60, 0.3


def directions(run: str, folder: Path, count: int) -> Tensor:
    """(N, d) means of the action directions between frames of training clips."""
    pipeline = load_for("play", run, device="cpu")
    config = pipeline.model.config
    assert config.representation.stack == 1, "needs observations of one frame"
    found = scan_folder(folder, split="train").clips
    parts = []
    for clip in FrameCache(config.frames).build(found[:count]).clips:
        frames = to_frames(np.array(clip.frames()[:: config.frames.time_stride])).unsqueeze(0)
        with torch.no_grad():
            parts.append(pipeline.model.recognise(frames).direction_mean[0])
    return torch.cat(parts)


def principal_axes(points: Tensor) -> Tensor:
    """(d, n) that turns directions (N, d) to axes of variance 1; axes with little variance are left out."""
    _, scales, axes = torch.linalg.svd(points - points.mean(dim=0), full_matrices=False)
    kept = scales >= MIN_SCALE * scales[0]
    return axes[kept].mT * (math.sqrt(len(points)) / scales[kept])


def cluster(points: Tensor, count: int) -> Tensor:
    """(count, n) means of the best of several runs of Lloyd's algorithm, by k-means++; the first stays at 0."""
    generator = torch.Generator().manual_seed(0)
    still = points.new_zeros(1, points.shape[1])
    best, lowest = still, math.inf
    for _ in range(RESTARTS):
        means = still
        while len(means) < count:
            nearest = torch.cdist(points, means).square().amin(dim=1)
            means = torch.cat([means, points[torch.multinomial(nearest, 1, generator=generator)]])
        for _ in range(ROUNDS):
            own = torch.cdist(points, means).argmin(dim=1)
            moved = [points[own == k].mean(dim=0) if (own == k).any() else means[k] for k in range(1, count)]
            means = torch.stack([still[0], *moved])
        cost = float(torch.cdist(points, means).square().amin(dim=1).mean())
        if cost < lowest:
            best, lowest = means, cost
    return best


def main() -> None:
    """Writes the model and prints its clusters."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    given = parser.parse_args()
    stored = read_model(find_model(given.run))
    config: Any = stored.config
    points = directions(given.run, given.folder, given.clips)
    axes = principal_axes(points)
    turned = points @ axes  # (N, n)
    means = cluster(turned, config.actions.num_actions)
    distances = torch.cdist(turned, means).square()
    own = distances.argmin(dim=1)
    centroids = torch.stack([points[own == k].mean(dim=0) for k in range(len(means))])
    variance = distances.amin(dim=1).mean() / turned.shape[1]
    state = dict(stored.state)
    state["action_network.classify.weight"] = (means / variance) @ axes.mT
    state["action_network.classify.bias"] = -means.square().sum(dim=1) / (2 * variance)
    state["centroids.value"] = centroids
    note = f"The model of {given.run} with new actions, clustered by recipes/models/cluster_actions.py."
    card = write_card(given.model.name, stored.system.name, stored.config, stored.facts, body=note)
    save_model(given.model, system=stored.system, config=stored.config, state=state, facts=stored.facts, card=card)
    fractions = own.bincount(minlength=len(means)) / len(points)
    for mean, fraction in zip(centroids, fractions, strict=True):
        print(f"{fraction:.3f} of {len(points)} steps at {[round(value, 2) for value in mean.tolist()]}")
    print(f"{turned.shape[1]} axes; variance around the means {variance:.3f}, of all points 1")


if __name__ == "__main__":
    main()
