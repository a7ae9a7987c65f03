"""Shows what each learned action does, as mean motion fields, strips of samples, and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image as pil
from PIL import ImageDraw
from torch import Tensor

from kinema.core.atomic_output import one_line, remove, replace_files, temporary_beside
from kinema.core.checks import InputError
from kinema.data.clips.shots import find_shots
from kinema.framing.pixels import to_frames
from kinema.ops.optical_flow import optical_flow
from kinema.play.action_names import ActionNames
from kinema.play.session import Playable, open_game
from kinema.play.shipped_starts import read_clips
from kinema.video import contact_sheet, resize, write_image

CELL_PX = 16
STRIPS = 4
MAX_SAMPLES = 96
# Number of frames that the action network sees at once.
CLIP_FRAMES = 32
PLAYED_STEPS = 6
# A pixel that moves less is still, and an action that moves a smaller fraction of the picture means to stay.
MIN_PX, MIN_FRACTION = 0.25, 0.002
SHOWN_PX = 192
# Files of a report; a new report replaces those of an earlier one.
_OURS = re.compile(r"action_\d+\.png|actions\.png|report\.json")


@dataclass
class ActionSamples:
    """Samples of one action.

    Attributes:
        count: number of all its steps.
        pairs: (2, H, W, 3) uint8 frames before and after, at most MAX_SAMPLES.
    """

    count: int = 0
    pairs: list[np.ndarray] = field(default_factory=list)

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        """Counts a step, and keeps its (H, W, 3) frames unless there are enough."""
        self.count += 1
        if len(self.pairs) < MAX_SAMPLES:
            self.pairs.append(np.stack([before, after]))


@dataclass(frozen=True)
class ActionMotion:
    """The mean motion of an action.

    Attributes:
        samples: the samples that it was measured on.
        field: (h, w, 2) mean displacement (x, y) in pixels of each cell of the frame.
        mean: (x, y) in pixels, of the pixels that move.
        fraction: fraction of the frame that moves.
        picture: (H, W, 3) uint8, the mean frame before the action.
    """

    samples: ActionSamples
    field: np.ndarray
    mean: tuple[float, float]
    fraction: float
    picture: np.ndarray

    @property
    def direction(self) -> str | None:
        """One of "left", "right", "up", "down" and "stay", or None if it is not clearly one of them.

        >>> blank = np.zeros((2, 2, 3), np.uint8)
        >>> ActionMotion(ActionSamples(9), np.zeros((1, 1, 2)), (-2.0, 0.5), 0.1, blank).direction
        'left'
        """
        x, y = self.mean
        if self.samples.count and self.fraction < MIN_FRACTION:
            return "stay"
        if max(abs(x), abs(y)) < 2 * min(abs(x), abs(y)) or max(abs(x), abs(y)) < MIN_PX:
            return None
        return ("left" if x < 0 else "right") if abs(x) > abs(y) else ("up" if y < 0 else "down")


def report_actions(
    playable: Playable,
    output: Path,
    clips: Path | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> dict[str, Any]:
    """Writes ``report.json``, ``actions.png`` (for each action a row with its motion and frames before and after) and
    a picture of the motion of each action.

    Args:
        playable: the model.
        output: folder, created if it does not exist.
        clips: folder of clips in which actions are recognised; None: the model plays each action from its starts.
        on_progress: called with the number of finished clips or starts, and of all.

    Returns:
        The content of ``report.json``. The files are written together or not at all, and replace an earlier report.

    Raises:
        InputError: there are no clips or no starts, or the folder cannot be written to.
    """
    if clips is None:
        per_action = played_samples(playable, on_progress)
    else:
        per_action = recognised_samples(playable, clips, on_progress)
    motions = [measure_motion(samples, playable.pipeline.size) for samples in per_action]
    longest = max(float(np.linalg.norm(motion.field, axis=-1).max()) for motion in motions)
    total = max(1, sum(samples.count for samples in per_action))
    report = {
        "model": playable.name,
        "weights": playable.weights,
        "measured_on": "play" if clips is None else "clips",
        "actions": [_facts(playable.names, index, motion, total) for index, motion in enumerate(motions)],
    }
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output}: cannot be created ({error.strerror}); give another -o") from error
    whole = temporary_beside(output)
    try:
        with one_line(output):
            whole.mkdir()
            rows, labels = [], []
            for index, motion in enumerate(motions):
                drawn = draw_motion(motion, longest)
                write_image(whole / f"action_{index + 1}.png", drawn)
                picked = motion.samples.pairs[:: max(1, len(motion.samples.pairs) // STRIPS)][:STRIPS]
                rows.append([drawn, *(_enlarged(frame) for pair in picked for frame in pair)])
                labels.append(_label(playable.names, index, motion, total))
            write_image(whole / "actions.png", contact_sheet(rows, labels))
            (whole / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
            replace_files(whole, output, _OURS)
    finally:
        remove(whole)
    return report


def played_samples(
    playable: Playable, on_progress: Callable[[int, int | None], None] | None = None
) -> list[ActionSamples]:
    """Samples of each action, played a few times in a row from every start.

    Raises:
        InputError: the model ships no starts.
    """
    playable.start("")
    game = open_game(playable)
    seen = [ActionSamples() for _ in range(game.num_actions)]
    for done, start in enumerate(playable.starts, 1):
        for action, samples in enumerate(seen):
            # The first generated frame is a little softer than the start, which would count as motion.
            before = game.reset(start)
            for step in range(PLAYED_STEPS):
                after = game.step(action)
                if step:
                    samples.add(before, after)
                before = after
        if on_progress is not None:
            on_progress(done, len(playable.starts))
    return seen


def recognised_samples(
    playable: Playable, folder: Path, on_progress: Callable[[int, int | None], None] | None = None
) -> list[ActionSamples]:
    """Samples of each action, as the model recognises them in clips.

    Raises:
        InputError: none of the clips can be read.
    """
    clips = read_clips(playable, folder)
    seen = [ActionSamples() for _ in range(playable.pipeline.num_actions)]
    for done, clip in enumerate(clips, 1):
        frames = clip.frames()
        for shot in np.split(frames, find_shots(frames, playable.config.shots)[1:]):
            _add_samples(playable, shot[:: playable.config.frames.time_stride], seen)
        if on_progress is not None:
            on_progress(done, len(clips))
    return seen


def _add_samples(playable: Playable, frames: np.ndarray, per_action: Sequence[ActionSamples]) -> None:
    """Adds the steps of a shot to the samples of their actions."""
    for begin in range(0, len(frames) - 1, CLIP_FRAMES - 1):
        part = np.array(frames[begin : begin + CLIP_FRAMES])
        for index, action in enumerate(playable.pipeline.recognise(part)):
            per_action[action].add(part[index], part[index + 1])


def measure_motion(samples: ActionSamples, size: tuple[int, int]) -> ActionMotion:
    """The mean motion of the samples of an action.

    Args:
        samples: of the action; there may be none.
        size: (height, width) of the frames.
    """
    cells = (max(1, size[0] // CELL_PX), max(1, size[1] // CELL_PX))
    if not samples.pairs:
        blank = np.full((*size, 3), 128, np.uint8)
        return ActionMotion(samples, np.zeros((*cells, 2)), (0.0, 0.0), 0.0, blank)
    total, moved, moving = torch.zeros(1, 2, *cells), torch.zeros(2), 0.0
    picture = np.zeros((*size, 3))
    for flow, before in _flows(samples.pairs):
        moves = flow.norm(dim=1, keepdim=True) > MIN_PX  # (B, 1, H, W)
        total += F.adaptive_avg_pool2d(flow, cells).sum(dim=0, keepdim=True)
        moved += (flow * moves).sum(dim=(0, 2, 3))
        moving += float(moves.sum())
        picture += before.sum(axis=0)
    count = len(samples.pairs)
    mean = (moved / max(moving, 1.0)).tolist()
    fraction = moving / (count * size[0] * size[1])
    mean_field = (total / count)[0].movedim(0, -1).numpy()
    return ActionMotion(samples, mean_field, (mean[0], mean[1]), fraction, np.round(picture / count).astype(np.uint8))


def draw_motion(motion: ActionMotion, longest: float) -> np.ndarray:
    """The mean frame in pale colours, with an arrow in each cell that moves.

    Args:
        motion: of an action.
        longest: motion in pixels that is drawn as an arrow of one and a half cells.

    Returns:
        (H, W, 3) uint8, enlarged.
    """
    pale = (motion.picture * 0.55 + 40).astype(np.uint8)
    picture = pil.fromarray(_enlarged(pale))
    draw = ImageDraw.Draw(picture)
    rows, columns = motion.field.shape[:2]
    cell_x, cell_y = picture.width / columns, picture.height / rows
    scale = 1.5 * min(cell_x, cell_y) / max(longest, 1e-6)
    for row in range(rows):
        for column in range(columns):
            shift = motion.field[row, column] * scale
            length = float(np.hypot(*shift))
            if length < 2:
                continue
            tail = np.array([(column + 0.5) * cell_x, (row + 0.5) * cell_y]) - shift / 2
            tip, along = tail + shift, shift / length
            across, head = np.array([-along[1], along[0]]), min(7.0, 0.45 * length)
            barbs = [tuple(tip - head * along + side * 0.6 * head * across) for side in (1, -1)]
            draw.line([tuple(tail), tuple(tip)], fill=(255, 214, 102), width=2)
            draw.polygon([tuple(tip), *barbs], fill=(255, 214, 102))
    return np.array(picture)


def _flows(pairs: list[np.ndarray]) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Displacements (B, 2, H, W), and the frames (B, H, W, 3) before them, a few pairs at a time."""
    for begin in range(0, len(pairs), 8):
        part = np.stack(pairs[begin : begin + 8])  # (B, 2, H, W, 3)
        yield optical_flow(to_frames(part[:, 0]), to_frames(part[:, 1])), part[:, 0]


def _enlarged(image: np.ndarray) -> np.ndarray:
    factor = max(1, round(SHOWN_PX / image.shape[0]))
    return resize(image, (factor * image.shape[0], factor * image.shape[1]))


def _facts(names: ActionNames, index: int, motion: ActionMotion, total: int) -> dict[str, Any]:
    return {
        "action": index,
        "name": names.names[index],
        "samples": motion.samples.count,
        "share_of_samples": round(motion.samples.count / total, 4),
        "mean_motion_px": [round(value, 3) for value in motion.mean],
        "moving_share": round(motion.fraction, 5),
        "way": motion.direction,
        "field_px": np.round(motion.field, 3).tolist(),
    }


def _label(names: ActionNames, index: int, motion: ActionMotion, total: int) -> str:
    name = "" if names.numbered else f" {names.names[index]}"
    direction = f", {motion.direction}" if motion.direction else ""
    x, y = motion.mean
    return f"{index + 1}{name}: {motion.samples.count / total:.0%} of the steps; ({x:+.1f}, {y:+.1f}) px{direction}"
