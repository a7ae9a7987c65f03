"""Measures the distance between the distributions of two sets of frames or clips, from their feature vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinema.core.checks import InputError


def frechet_distance(vectors_a: ArrayLike, vectors_b: ArrayLike) -> float:
    """Squared Frechet distance between Gaussians fitted to two sets of vectors (Heusel et al., NeurIPS 2017, Eq. 6).

    With the pooled vectors of ``EfficientNetLite0Features`` this is like FID but not FID: never compare it with
    figures made with the Inception network, name the network beside it, and quote the distance between two halves of
    the real frames as its floor, because it grows as the sets shrink.

    Args:
        vectors_a: (N, D), one vector a frame, at least two.
        vectors_b: (M, D), at least two.

    Returns:
        The squared distance, at least 0; 0 for equal sets.

    Raises:
        InputError: the vectors do not match, are too few or are not finite.
    """
    a, b = np.asarray(vectors_a, dtype=np.float64), np.asarray(vectors_b, dtype=np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise InputError(
            f"frechet distance: vectors of shapes {a.shape} and {b.shape}; give (N, D) and (M, D), N and M at least 2"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("frechet distance: a vector has NaN or infinity; check the frames that it came from")
    root_a, root_b = _covariance_root(a), _covariance_root(b)
    # tr((A'A B'B)^(1/2)) is the sum of the singular values of A B': no square root of a matrix that may be singular.
    cross = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = np.square(root_a).sum() + np.square(root_b).sum() - 2 * cross
    return float(max(np.square(a.mean(axis=0) - b.mean(axis=0)).sum() + spread, 0.0))


def clip_vector(vectors: ArrayLike) -> NDArray:
    """The mean appearance of a clip and its mean change, for :func:`frechet_distance` between sets of clips.

    It replaces the video network of FVD (Unterthiner et al., 2018) but is not comparable with it: it detects that a
    clip freezes or flickers, or that its frames look wrong, but no order beyond two consecutive frames.

    Args:
        vectors: (T, D), of its frames one after the other, at least two.

    Returns:
        (2 D,): the mean over frames, then the mean absolute change from a frame to the next.

    >>> clip_vector([[0.0, 5.0], [2.0, 5.0], [1.0, 5.0]]).tolist()
    [1.0, 5.0, 1.5, 0.0]
    """
    frames = np.asarray(vectors, dtype=np.float64)
    if frames.ndim != 2 or len(frames) < 2:
        raise InputError(f"clip vector: vectors of shape {frames.shape}; give (T, D), T at least 2")
    return np.concatenate([frames.mean(axis=0), np.abs(np.diff(frames, axis=0)).mean(axis=0)])


def _covariance_root(vectors: NDArray) -> NDArray:
    """A matrix R of min(N, D) rows for which R'R is the covariance of ``vectors`` (N, D)."""
    centred = (vectors - vectors.mean(axis=0)) / np.sqrt(len(vectors) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r")) if len(centred) > centred.shape[1] else centred
