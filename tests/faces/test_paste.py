"""A made frame goes back into the photo: still faces to the bit, moved ones with the photo's own detail."""

from __future__ import annotations

import numpy as np
import torch

from kinema.faces.landmarks import MEAN_FACE, FaceFrame, from_face
from kinema.faces.paste import FacePaste, GeneratedFrame, face_mask
from kinema.faces.window import EYES, FaceWindow
from kinema.ops.grid import identity_grid

SIZE = (48, 48)
SCALE = 5


def scene() -> tuple[np.ndarray, torch.Tensor, FaceWindow]:
    """A noisy photo with a tilted face five times as large as the frame knows it."""
    axis = torch.tensor([0.98, 0.2]) * EYES * SIZE[1] * SCALE
    landmarks = from_face(torch.tensor(MEAN_FACE), FaceFrame(torch.tensor([170.0, 140.0]), axis))
    photo = np.random.default_rng(0).integers(0, 256, (300, 340, 3), dtype=np.uint8)
    return photo, landmarks, FaceWindow.about(landmarks, SIZE)


def still(window: FaceWindow, photo: np.ndarray, error: float) -> GeneratedFrame:
    """A frame of a model that paints a third, and too bright."""
    share = torch.full((1, 1, *SIZE), 0.67)
    return GeneratedFrame(window.cut(photo) + error, share, identity_grid(SIZE)[None])


def test_a_face_that_does_not_move_is_the_photo_whatever_the_model_paints():
    photo, landmarks, window = scene()
    paste = FacePaste(photo, window, landmarks)
    made = still(window, photo, 0.2)
    paste.hold(made)
    assert np.abs(paste.paste(made).astype(int) - photo).max() <= 1


def test_moved_pixels_keep_the_detail_of_the_photo():
    photo, landmarks, window = scene()
    paste = FacePaste(photo, window, landmarks)
    paste.hold(still(window, photo, 0.0))
    # Everything comes from one pixel of the frame further right: five of the photo along the face's axis.
    deformation = identity_grid(SIZE)[None] + torch.tensor([2 / (SIZE[1] - 1), 0.0])
    share = torch.full((1, 1, *SIZE), 0.67)
    frame = torch.nn.functional.grid_sample(window.cut(photo), deformation, padding_mode="border", align_corners=True)
    result = paste.paste(GeneratedFrame(frame, share, deformation))
    x, y = (int(value) for value in landmarks[30])  # the tip of the nose
    here = result[y - 8 : y + 8, x - 8 : x + 8].astype(int)
    axis = window.face.axis / window.face.axis.norm() * SCALE
    dx, dy = (round(float(value)) for value in axis)
    moved = photo[y - 8 + dy : y + 8 + dy, x - 8 + dx : x + 8 + dx].astype(int)
    # Noise of uniform levels differs by 85 on average; a shift by a fraction of a pixel blurs it somewhat.
    assert np.abs(here - moved).mean() < 40 < 75 < np.abs(here - photo[y - 8 : y + 8, x - 8 : x + 8].astype(int)).mean()
    assert here.std() > 0.7 * photo.std()


def test_what_is_painted_anew_replaces_the_photo():
    photo, landmarks, window = scene()
    paste = FacePaste(photo, window, landmarks)
    paste.hold(still(window, photo, 0.0))
    painted = GeneratedFrame(torch.full((1, 3, *SIZE), 0.5), torch.zeros(1, 1, *SIZE), identity_grid(SIZE)[None])
    plain = GeneratedFrame(torch.full((1, 3, *SIZE), 0.5))
    x, y = (int(value) for value in landmarks[30])
    for made, tolerance in ((painted, 12), (plain, 1)):
        result = paste.paste(made)
        assert np.abs(result[y - 4 : y + 4, x - 4 : x + 4].astype(int) - 128).max() <= tolerance
        # Far from the face nothing changes, and the photo itself is not written to.
        np.testing.assert_array_equal(result[:, :20], photo[:, :20])
        np.testing.assert_array_equal(result[:8], photo[:8])


def test_the_mask_holds_the_features_and_ends_before_the_border():
    _, landmarks, window = scene()
    points = window.to_frame(landmarks)
    mask = face_mask(points, SIZE)
    assert mask.shape == SIZE and mask.min() >= 0 and mask.max() <= 1
    inner = points[[30, 33, 36, 45, 48, 54, 57]].round().long()
    assert mask[inner[:, 1], inner[:, 0]].min() > 0.95
    assert torch.cat([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).max() < 0.2


def test_a_face_outside_the_photo_changes_nothing():
    photo, landmarks, _ = scene()
    far = landmarks - 5000
    paste = FacePaste(photo, FaceWindow.about(far, SIZE), far)
    np.testing.assert_array_equal(paste.paste(GeneratedFrame(torch.zeros(1, 3, *SIZE))), photo)
