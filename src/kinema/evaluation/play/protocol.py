"""Measures the games that a model plays from test clips (Playable Video Generation, CVPR 2021, Sec. 4.1).

The first ``GIVEN`` frames of a clip are given. Then the action that the model recognises between each pair of
consecutive true frames is played, as a one-hot vector, and the generated frames are compared with the frames that
follow, at most ``STEPS`` of them. Baselines:

repeat: the last given frame is repeated.
random_action: the same game with random actions; if this is no worse, the actions have no effect.
real: the true frames; it holds the floors of the distances and the values of the true frames.

Frames, means over clips; ``over_time`` holds them for each time step:

l1, mse, psnr, ssim, perceptual: compared with the clip. perceptual is a distance like LPIPS, with the network that the
    report names.
sharpness: mean gradient; that of the true frames is under ``real``.
frechet: squared Frechet distance of pooled features of efficientnet_lite0, similar to FID but not FID. The clips are
    divided into two halves; the games of one half are compared with the clips of the other half, and the other way
    round. The floor, under ``real``, is the distance between the two halves themselves.
clip_frechet: the same for one vector per clip (:func:`kinema.metrics.frechet.clip_vector`: the mean of its frames'
    features and how much they change). It stands where the paper has FVD but is not FVD, as no video network is used.

Objects, if the truth beside the clips has a paddle (Breakout) or a hand (the robot), found by their colour:

paddle_add, hand_add: mean distance (ADD) in pixels from the object in the true frame, over the frames in which both
    show it; ``things`` in the report says which object.
paddle_mdr, hand_mdr: fraction of the true frames with the object whose generated frame lacks it (MDR).

Actions, if the truth lies beside the clips; over all time steps, including those between given frames:

delta_mse, delta_accuracy: variance of the object's movements within an action, divided by that of all movements; and
    the fraction of actions that a linear classifier recognises from the standardised movement. ``chance`` is the
    fraction of the most frequent action, ``true_actions`` what the simulator's own actions reach.
action_accuracy: fraction of time steps whose recognised action is the true one, under the best one-to-one assignment of
    actions. ``chance`` is the fraction of the most frequent true action. The interval keeps the assignment fixed.
action_information_bits, action_information: mutual information with the true action, in bits and as a fraction of the
    entropy of the true actions. Unlike the accuracy, it needs no assignment.

``lasting``: 200 steps of random actions, each held for 3 to 6 steps, from up to eight clips. sharpness_early and
sharpness_late: sharpness relative to the true frames of these clips, in steps 1 to 50 and 151 to 200. frechet_early and
frechet_late: distance from the true frames of all clips; frechet_real: distance of the true frames of these clips from
those of all clips, which shows the effect of their small number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kinema.core.checks import InputError
from kinema.core.random import numpy_generator
from kinema.core.types import TensorGroup
from kinema.data.clips.cache import CachedClip
from kinema.data.clips.folder import Unreadable
from kinema.data.samples.clip_windows import ClipConfig
from kinema.evaluation.clips import measured_clips
from kinema.evaluation.play.actions import ActionFigures, action_figures, check_alike, true_steps
from kinema.evaluation.play.frames import DETECTORS, REAL, FrameFigures, ObjectFigures
from kinema.evaluation.play.long_games import GAMES, long_game_figures, play_long_game
from kinema.evaluation.request import EvaluateRequest, Instruments
from kinema.evaluation.summary import summarise
from kinema.framing.fit import fit_points
from kinema.metrics.object_position import Box
from kinema.metrics.perceptual import perceptual_metric_name
from kinema.systems.abilities import GamePipeline

GIVEN, STEPS = 4, 26
# The vector of a clip needs frames that change.
MIN_STEPS = 2
STILL, RANDOM = "repeat", "random_action"
METHODS = ("model", STILL, RANDOM)


def evaluate_play(
    pipeline: GamePipeline[TensorGroup], request: EvaluateRequest, instruments: Instruments
) -> dict[str, Any]:
    """Measures a model; ``actions`` and ``lasting`` hold the figures without a baseline for each method."""
    config: ClipConfig = pipeline.model.config.frames.model_copy(update={"max_frames": None})
    clips, left_out, split = measured_clips(request.folder, config)
    clips, short = _long_enough(clips, config.time_stride)
    clips = clips[: request.limit]
    if not clips:
        apart = config.time_stride * config.frame_stride
        raise InputError(
            f"{request.folder}: the protocol play needs clips of at least {GIVEN + MIN_STEPS} frames at the "
            f"frame stride of this model ({apart}); no clip is so long"
        )
    truths = [true_steps(clip, config, len(_strided_frames(clip, config))) for clip in clips]
    check_alike(truths)
    clusters = [clip.group or clip.code for clip in clips]
    games = _choose_clips(len(clips), request.seed)
    frames, things, rows = FrameFigures(instruments.features), {}, []
    for index, (clip, truth) in enumerate(zip(clips, truths, strict=True)):
        frames_of_clip = _strided_frames(clip, config)
        recognised = pipeline.recognise(frames_of_clip)
        videos = _play(pipeline, frames_of_clip, recognised, (request.seed, clip.code))
        rows.append({"code": clip.code, "frames": len(videos[REAL]), "recognised": recognised} | frames.measure(videos))
        for thing in DETECTORS:
            if truth is not None and thing in truth.positions:
                things.setdefault(thing, ObjectFigures(thing)).measure(videos, _box(clip, config), clusters[index])
        instruments.advance(index + 1, len(clips) + len(games))
    lasting = []
    for done, index in enumerate(games, 1):
        given = _strided_frames(clips[index], config)[:GIVEN]
        lasting.append(play_long_game(pipeline, given, frames.network, request.seed, clips[index].code))
        instruments.advance(len(clips) + done, len(clips) + len(games))
    recognised = [np.array(row["recognised"]) for row in rows]
    actions = action_figures(recognised, truths, clusters, num_actions=pipeline.num_actions, seed=request.seed)
    sharp = [rows[index][REAL]["sharpness"] for index in games]
    last = long_game_figures(lasting, sharp, frames.true_vectors(games), frames.true_vectors())
    figures = {
        method: summarise(rows, method, clusters, request.seed) | frames.distances(method)
        for method in (*METHODS, REAL)
    }
    curves = {method: frames.over_time(method) for method in (*METHODS, REAL)}
    for method in METHODS:
        for found in things.values():
            figures[method] |= found.summary(method, request.seed)
            curves[method] |= found.over_time(method)
    return {
        "protocol": request.protocol,
        "folder": str(request.folder),
        "split": split,
        "size": list(pipeline.size),
        "clips": len(clips),
        "frames": sum(row["frames"] for row in rows),
        "clusters": len(set(clusters)),
        "left_out": [str(entry) for entry in (*left_out, *short)],
        "notes": _notes(frames, actions, last),
        "perceptual_network": None if instruments.features is None else perceptual_metric_name(instruments.features),
        "frechet_network": None if frames.network is None else frames.network.name,
        "things": {thing: found.unit for thing, found in things.items()},
        "metrics": figures["model"] | actions.metrics,
        "baselines": {method: figures[method] for method in (STILL, RANDOM, REAL)} | actions.baselines,
        "actions": actions.details,
        "lasting": last,
        "over_time": curves,
        "per_clip": rows,
    }


def _long_enough(clips: tuple[CachedClip, ...], stride: int) -> tuple[tuple[CachedClip, ...], list[Unreadable]]:
    """The clips that are long enough, and the others with the reason."""
    shortest = (GIVEN + MIN_STEPS - 1) * stride + 1
    long = tuple(clip for clip in clips if clip.shape[0] >= shortest)
    reason = "has {} frames, but the protocol needs " + str(shortest)
    return long, [
        Unreadable(clip.clip.path, reason.format(clip.shape[0])) for clip in clips if clip.shape[0] < shortest
    ]


def _choose_clips(count: int, seed: int) -> list[int]:
    """The clips that long games begin with, in their order."""
    chosen = numpy_generator("lasting", seed).choice(count, min(count, GAMES), replace=False)
    return sorted(int(index) for index in chosen)


def _strided_frames(clip: CachedClip, config: ClipConfig) -> np.ndarray:
    """(M, H, W, 3) uint8: the given frames and those to be played, at the model's frame stride."""
    return np.array(clip.frames()[:: config.time_stride][: GIVEN + STEPS])


def _play(
    pipeline: GamePipeline[TensorGroup], frames_of_clip: np.ndarray, recognised: list[int], seed: tuple[object, ...]
) -> dict[str, np.ndarray]:
    """Method to (T, H, W, 3) uint8, the frames after the given ones."""
    true = frames_of_clip[GIVEN:]
    chosen = {
        "model": recognised[GIVEN - 1 :],
        RANDOM: numpy_generator("random actions", *seed).integers(pipeline.num_actions, size=len(true)),
    }
    videos = {REAL: true, STILL: np.repeat(frames_of_clip[GIVEN - 1 : GIVEN], len(true), axis=0)}
    for method, actions in chosen.items():
        game, shown = pipeline.start(frames_of_clip[:GIVEN]), []
        for action in actions:
            image, game = pipeline.step(game, int(action))
            shown.append(image)
        videos[method] = np.stack(shown)
    return videos


def _box(clip: CachedClip, config: ClipConfig) -> Box:
    """The part of the model's frames that shows the clip's picture."""
    height, width = clip.clip.info.height, clip.clip.info.width
    corners = np.array([(-0.5, -0.5), (width - 0.5, height - 0.5)])
    (left, top), (right, bottom) = fit_points(corners, (height, width), config.size, config.fit) + 0.5
    return float(left), float(top), float(right), float(bottom)


def _notes(frames: FrameFigures, actions: ActionFigures, lasting: dict[str, Any]) -> list[str]:
    notes = list(actions.notes)
    if frames.network is not None:
        notes.append(
            f"frechet, clip_frechet: {frames.network.name}, not FID and not FVD; under real the floor, one half of the "
            "clips against the other"
        )
    if meant := actions.details.get("assignment"):
        text = ", ".join(f"{index + 1} {name or 'none'}" for index, name in enumerate(meant))
        notes.append(f"actions stand for: {text}")
    sharp = f"{lasting['sharpness_early']:.2f} early, {lasting['sharpness_late']:.2f} late"
    far = ""
    if lasting["frechet_early"] is not None:
        far = f"; frechet {lasting['frechet_early']:.2f} early, {lasting['frechet_late']:.2f} late, "
        far += f"{lasting['frechet_real']:.2f} true frames of these clips"
    games = "1 game" if lasting["games"] == 1 else f"{lasting['games']} games"
    notes.append(f"{games} of {lasting['steps']} steps: sharpness over that of true frames {sharp}{far}")
    return notes
