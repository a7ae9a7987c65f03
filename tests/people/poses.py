"""Poses that tests of several packages use."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from kinema.core.types import Joints
from kinema.people.skeleton import JOINTS

# A person who stands upright in a frame of 64 x 32, (x, y) in pixels.
STANDING = {
    **{"nose": (16, 8), "neck": (16, 14)},
    **{"right_shoulder": (11, 14), "right_elbow": (9, 22), "right_wrist": (8, 30)},
    **{"left_shoulder": (21, 14), "left_elbow": (23, 22), "left_wrist": (24, 30)},
    **{"right_hip": (13, 32), "right_knee": (13, 44), "right_ankle": (12, 56)},
    **{"left_hip": (19, 32), "left_knee": (19, 44), "left_ankle": (20, 56)},
    **{"right_eye": (15, 7), "left_eye": (17, 7), "right_ear": (13, 8), "left_ear": (19, 8)},
}
SIZE = (64, 32)


def standing(*missing: str, dtype: torch.dtype = torch.float32, shift: tuple[float, float] = (0, 0)) -> Joints:
    """One row: the standing person, moved by ``shift`` pixels, without the joints named."""
    value = torch.tensor([STANDING[name] for name in JOINTS], dtype=dtype) + torch.tensor(shift, dtype=dtype)
    return Joints(value[None], torch.tensor([[name not in missing for name in JOINTS]]))


def random_joints(rows: int, size: tuple[int, int], *, seed: int = 0) -> Joints:
    """Standing people of whole pixels, each joint moved by up to a tenth of the frame, some missing."""
    generator = torch.Generator().manual_seed(seed)
    noise = (torch.rand(rows, len(JOINTS), 2, generator=generator) - 0.5) / 5
    value = standing().value / torch.tensor([SIZE[1], SIZE[0]]) + noise
    value = (value.clamp(0, 0.99) * torch.tensor([size[1], size[0]])).floor()
    return Joints(value, torch.rand(rows, len(JOINTS), generator=generator) > 0.1)


@st.composite
def any_joints(draw: st.DrawFn) -> Joints:
    """One row of whatever a detector or a file may give, down to nothing, one point, or a line."""
    number = st.integers(-3, 40) | st.floats(-100, 100, allow_nan=False, width=32)
    kind = draw(st.sampled_from(["random", "missing", "equal", "collinear", "broken"]))
    count = len(JOINTS)
    if kind == "equal":
        points = [draw(st.tuples(number, number))] * count
    elif kind == "collinear":
        (x, y), (dx, dy) = draw(st.tuples(number, number)), draw(st.tuples(number, number))
        points = [(x + dx * t, y + dy * t) for t in draw(st.lists(st.integers(-5, 5), min_size=count, max_size=count))]
    else:
        points = draw(st.lists(st.tuples(number, number), min_size=count, max_size=count))
    present = [kind != "missing" and draw(st.booleans() if kind == "random" else st.just(True)) for _ in range(count)]
    if kind == "broken":
        present = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        points = [point if here else (float("nan"), float("inf")) for point, here in zip(points, present, strict=True)]
    return Joints(torch.tensor([points], dtype=torch.float32), torch.tensor([present]))
