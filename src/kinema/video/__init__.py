"""Reads, writes and compares frames. The only package in which frames are uint8 (H, W, 3)."""

from kinema.video.info import MAX_SIDE, DamagedVideoWarning, Frame, VideoInfo
from kinema.video.masks import Labels, MaskReader, MaskWriter, overlay, part_colours, read_mask
from kinema.video.pictures import contact_sheet, crop, resize, side_by_side
from kinema.video.reading.read import VideoReader, open_video, probe, read_image
from kinema.video.writing.write import VideoWriter, write_image

__all__ = [
    "MAX_SIDE",
    "DamagedVideoWarning",
    "Frame",
    "Labels",
    "MaskReader",
    "MaskWriter",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "contact_sheet",
    "crop",
    "open_video",
    "overlay",
    "part_colours",
    "probe",
    "read_image",
    "read_mask",
    "resize",
    "side_by_side",
    "write_image",
]
