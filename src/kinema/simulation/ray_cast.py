"""Renders solids by analytic ray casting in NumPy, without OpenGL, with the same result on every machine.

World coordinates are right-handed metres: x to the right, y away, z up. Row 0 of a picture is its top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

Array = np.ndarray
Kind = Literal["plane", "box", "sphere", "capsule", "cylinder"]
# A shadow ray starts this far above the surface, in metres, so that the surface does not shade itself.
_LIFT = 1e-3
_SPECULAR_POWER = 24.0
_GAMMA = 2.2
# Signs of the coordinates of a box's eight corners, (3, 8).
_SIGNS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]).T


@dataclass(frozen=True, eq=False)
class Solid:
    """A body of one colour.

    Attributes:
        kind: a plane is z = 0 in its own coordinates and is infinite.
        size: (3,) metres. Box: half sides; sphere: radius first; capsule, cylinder: radius, half length along z.
        position: (3,) its centre, metres.
        rotation: (3, 3), own frame to world.
        color: (3,) RGB in [0, 1] as displayed.
        gloss: fraction of light that is reflected in a highlight, 0 to 1.
    """

    kind: Kind
    size: Array
    position: Array
    rotation: Array
    color: Array
    gloss: float = 0.1

    def corners(self) -> Array:
        """The corners (3, 8), in world metres, of a rotated box that contains the solid."""
        radius, length = self.size[:2]
        match self.kind:
            case "box":
                half = self.size
            case "sphere":
                half = np.full(3, radius)
            case "capsule":
                half = np.array((radius, radius, radius + length))
            case "cylinder":
                half = np.array((radius, radius, length))
            case "plane":
                half = np.array((np.inf, np.inf, 0))
        return self.position[:, None] + self.rotation @ (half[:, None] * _SIGNS)


@dataclass(frozen=True)
class Camera:
    """The position and view of the camera.

    Attributes:
        eye: (x, y, z) metres.
        target: the point in the centre of the picture, metres.
        field_degrees: the vertical angle of view.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    field_degrees: float


@dataclass(frozen=True)
class Light:
    """A distant lamp and ambient light.

    Attributes:
        direction: towards the lamp, of any length.
        spread: radius of the lamp at distance 1; a larger one makes shadows softer.
        strength: of the lamp, on a surface that faces it.
        ambient: light from above; a surface that faces down gets half of it.
    """

    direction: tuple[float, float, float]
    spread: float
    strength: float
    ambient: float


def render(solids: Sequence[Solid], camera: Camera, light: Light, *, size: int, oversample: int) -> Array:
    """Draws the solids.

    Args:
        solids: where there is none, the picture is black.
        camera: of a square picture.
        light: of the scene.
        size: S, pixels of a side.
        oversample: rays along each side of a pixel, which are averaged.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    side = size * oversample
    rays, axes = _rays(camera, side)
    eye = np.asarray(camera.eye, dtype=np.float32)
    depth = np.full((side, side), np.inf, dtype=np.float32)
    owner = np.full((side, side), -1, dtype=np.int16)
    for number, solid in enumerate(solids):
        rows, columns = _window(solid, camera, axes, side)
        view = rays[:, rows, columns]
        if view.size:
            distance = _distance(solid, eye[:, None], view.reshape(3, -1)).reshape(view.shape[1:])
            nearer = distance < depth[rows, columns]
            depth[rows, columns][nearer] = distance[nearer]
            owner[rows, columns][nearer] = number
    seen = np.flatnonzero(owner.reshape(-1) >= 0)
    picture = np.zeros((3, side * side), dtype=np.float32)
    if len(seen):
        rays, lamps = (np.take(array.reshape(3, -1), seen, axis=1) for array in (rays, _lamps(light, oversample, size)))
        points = eye[:, None] + rays * depth.reshape(-1)[seen]
        picture[:, seen] = _shade(solids, light, rays, points, owner.reshape(-1)[seen], lamps)
    blocks = picture.reshape(3, size, oversample, size, oversample).mean(axis=(2, 4))
    return np.round(255 * np.clip(blocks, 0, 1) ** (1 / _GAMMA)).astype(np.uint8).transpose(1, 2, 0).copy()


@lru_cache(maxsize=4)
def _rays(camera: Camera, side: int) -> tuple[Array, Array]:
    """Directions (3, side, side) of length 1, and the camera's axes (3, 3) as rows: right, up, back."""
    back = np.asarray(camera.eye, dtype=np.float64) - camera.target
    back /= np.linalg.norm(back)
    right = np.cross((0, 0, 1), back)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(back, right), back])
    places = ((np.arange(side) + 0.5) / side * 2 - 1) * _half_field(camera)
    x, y = np.meshgrid(places, -places, indexing="xy")  # (side, side)
    rays = np.tensordot(axes, np.stack([x, y, np.full_like(x, -1)]), axes=(0, 0))
    return (rays / np.linalg.norm(rays, axis=0)).astype(np.float32), axes


def _half_field(camera: Camera) -> float:
    return math.tan(math.radians(camera.field_degrees) / 2)


def _window(solid: Solid, camera: Camera, axes: Array, side: int) -> tuple[slice, slice]:
    """Rows and columns of the rays that can hit a solid: those between the corners of the box around it."""
    if solid.kind == "plane":
        return slice(0, side), slice(0, side)
    x, y, z = axes @ (solid.corners() - np.array(camera.eye)[:, None])
    if not z.max() < 0:  # a part is behind the camera
        return slice(0, side), slice(0, side)
    scale = side / 2 / _half_field(camera)
    columns, rows = x / -z * scale + side / 2, y / z * scale + side / 2
    down, across = (slice(max(0, int(at.min()) - 1), max(0, int(at.max()) + 2)) for at in (rows, columns))
    return down, across


@lru_cache(maxsize=4)
def _lamps(light: Light, oversample: int, size: int) -> Array:
    """Directions (3, N) to a point of the lamp for each ray; the rays of a pixel sample different points."""
    centre, first, second = _lamp_axes(light)
    count = oversample * oversample
    # A sunflower pattern covers the disk evenly; with a step of 7, neighbouring rays get distant points of it.
    seeds = (np.arange(count) * 7) % count
    radius = light.spread * np.sqrt((seeds + 0.5) / count)
    angle = seeds * math.pi * (3 - math.sqrt(5))
    points = centre[:, None] + radius * (np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None])
    points /= np.linalg.norm(points, axis=0)
    pattern = points.reshape(3, oversample, oversample).astype(np.float32)
    return np.tile(pattern, (1, size, size)).reshape(3, -1)


def _lamp_axes(light: Light) -> Array:
    """(3, 3), rows of length 1: towards the lamp, and two across."""
    centre = np.asarray(light.direction) / np.linalg.norm(light.direction)
    first = np.cross(centre, (0, 1, 0))
    first /= np.linalg.norm(first)
    return np.stack([centre, first, np.cross(centre, first)])


def _shade(solids: Sequence[Solid], light: Light, rays: Array, points: Array, owner: Array, lamps: Array) -> Array:
    """Linear light (3, N) that each ray receives from the point that it hits."""
    normals, colors, gloss = np.empty_like(points), np.empty_like(points), np.empty_like(points[0])
    for number, solid in enumerate(solids):
        mine = np.flatnonzero(owner == number)
        if len(mine):
            normals[:, mine] = _normals(solid, points[:, mine])
            colors[:, mine] = (solid.color.astype(np.float32) ** _GAMMA)[:, None]
            gloss[mine] = solid.gloss
    result = colors * (light.ambient * (0.75 + 0.25 * normals[2]))
    facing = _dot(normals, lamps)
    lit = np.flatnonzero(facing > 0)
    lit = lit[~_shadows(solids, light, points[:, lit] + _LIFT * normals[:, lit], lamps[:, lit])]
    middle = lamps[:, lit] - rays[:, lit]
    highlight = np.clip(_dot(normals[:, lit], middle) / np.sqrt(_dot(middle, middle)), 0, 1) ** _SPECULAR_POWER
    result[:, lit] += light.strength * (colors[:, lit] * facing[lit] + gloss[lit] * highlight)
    return result


def _shadows(solids: Sequence[Solid], light: Light, origins: Array, lamps: Array) -> Array:
    """Whether a solid is between a point and the lamp: (N,) bool."""
    blocked = np.zeros(origins.shape[1], dtype=bool)
    axes = _lamp_axes(light).astype(np.float32)
    along, first, second = axes @ origins
    for solid in solids:
        if solid.kind == "plane":
            continue
        corners = (axes @ solid.corners()).astype(np.float32)
        (_, left, below), (high, right, above) = corners.min(axis=1), corners.max(axis=1)
        # The lamp is a disk, so the shadow of a solid widens with the distance from it.
        margin = np.float32(light.spread) * (high - along)
        near = (along < high) & (first > left - margin) & (first < right + margin)
        near = np.flatnonzero(near & (second > below - margin) & (second < above + margin) & ~blocked)
        if len(near):
            blocked[near] = np.isfinite(_distance(solid, origins[:, near], lamps[:, near]))
    return blocked


def _dot(left: Array, right: Array) -> Array:
    """The dot products (N,) of two (3, N)."""
    return left[0] * right[0] + left[1] * right[1] + left[2] * right[2]


def _distance(solid: Solid, origins: Array, rays: Array) -> Array:
    """Distance (N,) at which rays from (3, N) or (3, 1) along (3, N) hit a solid from outside, or infinity."""
    turn = solid.rotation.T.astype(np.float32)
    start = turn @ (origins - solid.position.astype(np.float32)[:, None])
    along = turn @ rays
    size = [np.float32(side) for side in solid.size]
    with np.errstate(divide="ignore", invalid="ignore"):
        match solid.kind:
            case "plane":
                return _ahead(-start[2] / along[2])
            case "box":
                return _box_distance(start, along, solid.size.astype(np.float32))
            case "sphere":
                return _sphere_distance(start, along, size[0])
            case "capsule":
                end = np.array([[0], [0], [size[1]]], dtype=np.float32)
                caps = [_sphere_distance(start - sign * end, along, size[0]) for sign in (-1, 1)]
                return np.minimum(_tube_distance(start, along, size[0], size[1]), np.minimum(*caps))
            case "cylinder":
                cap = (np.copysign(size[1], -along[2]) - start[2]) / along[2]
                x, y = start[0] + cap * along[0], start[1] + cap * along[1]
                cap = np.where(x * x + y * y <= size[0] * size[0], _ahead(cap), np.inf)
                return np.minimum(cap, _tube_distance(start, along, size[0], size[1]))


def _ahead(distance: Array) -> Array:
    return np.where(distance > 0, distance, np.float32(np.inf))  # NaN is not above 0 either


def _box_distance(start: Array, along: Array, half: Array) -> Array:
    inverse = 1 / np.where(along == 0, np.float32(1e-12), along)  # avoids 0 times infinity for rays along a side
    middle, width = -start * inverse, np.abs(inverse) * half[:, None]
    enter, leave = (middle - width).max(axis=0), (middle + width).min(axis=0)
    return np.where(enter < leave, _ahead(enter), np.float32(np.inf))


def _sphere_distance(start: Array, along: Array, radius: np.float32) -> Array:
    half = _dot(start, along)
    rest = half * half - _dot(start, start) + radius * radius
    return np.where(rest > 0, _ahead(-half - np.sqrt(np.maximum(rest, 0))), np.float32(np.inf))


def _tube_distance(start: Array, along: Array, radius: np.float32, half_length: np.float32) -> Array:
    """Distance (N,) to the side of a cylinder along z, without its ends."""
    square = along[0] * along[0] + along[1] * along[1]
    half = start[0] * along[0] + start[1] * along[1]
    rest = half * half - square * (start[0] * start[0] + start[1] * start[1] - radius * radius)
    distance = (-half - np.sqrt(np.maximum(rest, 0))) / square
    meets = (rest > 0) & (np.abs(start[2] + distance * along[2]) <= half_length)
    return np.where(meets, _ahead(distance), np.float32(np.inf))


def _normals(solid: Solid, points: Array) -> Array:
    """Surface normals (3, N) at points (3, N) of the surface."""
    rotation = solid.rotation.astype(np.float32)
    own = rotation.T @ (points - solid.position.astype(np.float32)[:, None])
    match solid.kind:
        case "plane":
            own[:2], own[2] = 0, 1
        case "box":
            relative = np.abs(own) / solid.size.astype(np.float32)[:, None]
            own = np.where(relative == relative.max(axis=0), np.sign(own), np.float32(0))
        case "capsule":
            own[2] -= np.clip(own[2], -solid.size[1], solid.size[1])
        case "cylinder":
            at_end = solid.size[1] - np.abs(own[2]) < solid.size[0] - np.hypot(own[0], own[1])
            own[:2] *= ~at_end
            own[2] *= at_end
        case "sphere":
            pass
    return rotation @ (own / np.maximum(np.sqrt(_dot(own, own)), np.float32(1e-9)))
