"""The bucket of a clip: frames, height and width after resampling and resizing, by the arithmetic of the trainer.

Source: OpensoraplanVideoProcessor of mindspeed_mm/data/data_utils/video_processor.py and maxhwresize of data_transform.py in
MindSpeed-MM v26.0.0. Numbers are computed as numpy does there, rounding included, for one frame more or less is another bucket.
"""

from __future__ import annotations

import math
from typing import Optional, Tuple

from .options import Rules

Bucket = Tuple[int, int, int]
"""Frames, height, width."""

# OpensoraplanVideoProcessor.__call__ asserts this when it reads a clip at static resolution, whatever `hw_aspect_thr` is.
_STATIC_LOWEST, _STATIC_HIGHEST = 8 / 16, 17 / 16

TOO_SHORT = "too few frames"
TOO_SMALL = "picture too small"
WRONG_ASPECT = "too narrow or too wide"
WRONG_SPEED = "the speed factor leaves fewer frames than planned"


def resampled(frames: float, fps: float, start: int, rules: Rules) -> int:
    """Frames that are left when a clip is brought to the training's frame rate."""
    interval = 1.0 if abs(fps - rules.train_fps) < 0.1 else fps / rules.train_fps
    stop = start + frames
    count = max(0, math.ceil((stop - start) / interval))
    # numpy.arange multiplies the distance of its first two values, which a start far from zero has rounded.
    distance = (start + interval) - start
    while count > 0 and int(start + (count - 1) * distance) >= stop:
        count -= 1
    return count


def whole_latents(frames: int, rules: Rules) -> Optional[int]:
    """The longest clip within `frames` that makes whole latent frames which the context parallel size divides."""
    for count in range(frames, rules.minimum_frames - 1, -1):
        latents, rest = divmod(count - 1, rules.latent_stride)
        if rest == 0 and (latents + 1) % rules.context == 0:
            return count
    return None


def clip_frames(frames: float, fps: float, start: int, rules: Rules) -> Tuple[Optional[int], Optional[str]]:
    """Frames of the clip that the trainer takes, or why it takes none."""
    count = resampled(frames, fps, start, rules)
    if count < rules.frames and rules.drop_short_ratio >= 1:
        return None, TOO_SHORT
    taken = whole_latents(min(count, rules.frames), rules)
    # The second condition is one that the trainer meets only when it reads the clip: an error each time.
    if taken is None or (taken < rules.frames and rules.drop_short_ratio >= 1):
        return None, TOO_SHORT
    excess = count / rules.frames
    if rules.speed_factor > 1 and excess > 1:
        # Selection knows no speed factor, reading does; where the two disagree, reading fails each time.
        faster = int(count / min(rules.speed_factor, excess))
        if whole_latents(min(faster, rules.frames), rules) != taken:
            return None, WRONG_SPEED
    return taken, None


def _dynamic_size(height: int, width: int, rules: Rules) -> Tuple[int, int]:
    if height * width > rules.maximum_area:
        factor = math.sqrt(rules.maximum_area / (height * width))
        height, width = int(height * factor), int(width * factor)
    return height // rules.stride * rules.stride, width // rules.stride * rules.stride


def clip_size(height: int, width: int, rules: Rules) -> Tuple[Optional[Tuple[int, int]], Optional[str]]:
    """Height and width of the clip that the trainer makes, or why it makes none."""
    if rules.is_static:
        shape = rules.height / rules.width
        lowest, highest = 1 / rules.aspect_limit * shape, rules.aspect_limit * shape
        fits = lowest <= height / width <= highest
        return ((rules.height, rules.width), None) if fits else (None, WRONG_ASPECT)
    made_height, made_width = _dynamic_size(height, width, rules)
    if made_height <= 0 or made_width <= 0 or made_height * made_width < rules.minimum_area:
        return None, TOO_SMALL
    if not 1 / rules.aspect_limit <= made_height / made_width <= rules.aspect_limit:
        return None, WRONG_ASPECT
    return (made_height, made_width), None


def is_readable_shape(height: float, width: float, rules: Rules) -> bool:
    """Whether the trainer accepts the frame, after the clip's own crop, when it reads it."""
    return not rules.is_static or _STATIC_LOWEST <= height / width <= _STATIC_HIGHEST
