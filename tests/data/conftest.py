"""Real clips, written with PyAV as a test asks for them."""

import av
import numpy as np
import pytest
from PIL import Image

from kinema.data.clips.synthetic import moving_shapes


@pytest.fixture
def write_clip():
    """A function that writes (T, H, W, 3) uint8 losslessly: .mkv holds the very values that it is given."""

    def write(path, images):
        path.parent.mkdir(parents=True, exist_ok=True)
        codec, pixels = ("ffv1", "bgr0") if path.suffix == ".mkv" else ("libx264", "yuv420p")
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.height, stream.width = images.shape[1:3]
            stream.pix_fmt = pixels
            for image in images:
                for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                    container.mux(packet)
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def write_images():
    """A function that writes (T, H, W, 3) uint8 as a folder of numbered PNG files."""

    def write(folder, images):
        folder.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(images):
            Image.fromarray(image).save(folder / f"frame_{index:04d}.png")
        return folder

    return write


@pytest.fixture(scope="session")
def shapes() -> np.ndarray:
    """Three clips of six frames, (3, 6, 32, 48, 3) uint8."""
    return moving_shapes(num_clips=3, num_frames=6, size=(32, 48), seed=1)
