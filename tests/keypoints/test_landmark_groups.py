"""Known motions of landmarks come back as the affine maps of their groups; thin groups stay invertible."""

from __future__ import annotations

import torch

from kinema.faces.landmarks import GROUPS
from kinema.keypoints.landmark_groups import group_keypoints
from kinema.motion.sparse import sparse_motions

from ..faces.faces import template


def test_a_face_that_stays_moves_nothing():
    face = template()[None]
    source, driving = group_keypoints(face, face)
    assert source.value.shape == (1, len(GROUPS), 2)
    torch.testing.assert_close(source.value, driving.value)
    torch.testing.assert_close(driving.jacobian, torch.eye(2).expand(1, len(GROUPS), 2, 2), atol=1e-4, rtol=0)
    for place, group in enumerate(GROUPS):
        torch.testing.assert_close(source.value[0, place], face[0, list(group)].mean(dim=0))


def test_an_affine_motion_is_found():
    face = template()[None]
    matrix = torch.tensor([[1.1, 0.2], [-0.1, 0.9]])
    moved = face @ matrix.mT + torch.tensor([0.05, -0.02])
    source, driving = group_keypoints(face, moved, ridge=0)
    # A brow's points lie on an arc; all groups have two directions.
    torch.testing.assert_close(driving.jacobian, matrix.expand(1, len(GROUPS), 2, 2), atol=1e-2, rtol=0)
    motions = sparse_motions(source, driving, (9, 9))[0, 1:]
    back = torch.linalg.inv(matrix)
    grid = sparse_motions(source, source, (9, 9))[0, 0]
    wanted = (grid - torch.tensor([0.05, -0.02])) @ back.mT
    torch.testing.assert_close(motions, wanted.expand_as(motions), atol=3e-2, rtol=0)


def test_rows_share_one_source_and_a_closed_eye_can_be_undone():
    face = template()
    driving = face.repeat(3, 1, 1)
    driving[1, 36:42, 1] = driving[1, 36:42, 1].mean()
    driving[2] = 0
    _, moved = group_keypoints(face[None], driving)
    assert moved.jacobian is not None and moved.jacobian.isfinite().all()
    assert torch.linalg.det(moved.jacobian[:2]).min() > 0.05
    together, alone = moved.jacobian[1], group_keypoints(face[None], driving[1:2])[1].jacobian
    assert alone is not None
    torch.testing.assert_close(alone[0], together)
