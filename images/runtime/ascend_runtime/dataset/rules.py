"""One annotation entry: what the trainer would drop, what it would stop or stumble at, and what can be set right.

Source: OpensoraplanVideoProcessor.select_valid_data and __call__, T2VDataset.getitem, DataFileReader of MindSpeed-MM v26.0.0. The
trainer drops some of these entries in silence, ends with a Python error at others, and retries a random other clip, of another
bucket, when reading one fails.
"""

from __future__ import annotations

import math
import os
from typing import Any, Dict, List, Optional, Tuple

from .buckets import Bucket, WRONG_ASPECT, clip_frames, clip_size, is_readable_shape, resampled
from .options import Rules
from .probing import VideoFacts

Entry = Dict[str, Any]
Judgement = Tuple[Optional[Bucket], Optional[str]]

_VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv")
# torchvision.datasets.folder.IMG_EXTENSIONS.
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
_TENSOR_SUFFIXES = (".pt", ".pth")
# The trainer makes a list of that many numbers; nothing longer is a clip.
_MOST_FRAMES = 10_000_000
_LOWEST_FPS = 0.1
# A container that does not count its frames gives a length that is off by rounding.
_ESTIMATE_TOLERANCE = 2

SHORTER_FILE = "the file has fewer frames"
WRONG_RESOLUTION = "the file has another resolution"
WRONG_FPS = "the file has another frame rate"
CROPPED = "the crop box has another resolution"
ONE_CAPTION = "a list with one caption"
WHOLE_NUMBERS = "a size with a decimal point"


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def is_image(entry: Entry) -> bool:
    """Whether the trainer takes the entry for a picture."""
    return os.path.splitext(entry["path"])[1].lower() in _IMAGE_SUFFIXES


def _caption(value: Any) -> Any:
    """The caption as the trainer can read it; None when there is none. Of a list, the usable ones."""
    if not isinstance(value, list):
        return value if isinstance(value, str) and value.strip() else None
    captions = [item for item in value if isinstance(item, str) and item.strip()]
    # The aesthetic hint is joined to a string; a list of one is not drawn from and fails there.
    return captions if len(captions) > 1 else (captions[0] if captions else None)


def _size(entry: Entry) -> Optional[Tuple[int, int]]:
    resolution = entry.get("resolution")
    sides = (resolution.get("height"), resolution.get("width")) if isinstance(resolution, dict) else (None, None)
    if not all(_is_number(side) and side > 0 and side == int(side) for side in sides):
        return None
    return int(sides[0]), int(sides[1])


def _crop_problem(crop: Any) -> Optional[str]:
    if not isinstance(crop, list) or len(crop) != 4:
        return "the crop box is no list of four numbers"
    if all(side is None for side in crop):
        return None
    if not all(isinstance(side, int) and not isinstance(side, bool) and side >= 0 for side in crop):
        return "the crop box is no list of four numbers"
    return None if crop[0] < crop[1] and crop[2] < crop[3] else "the crop box is empty"


def _cropped_size(entry: Entry) -> Optional[Tuple[int, int]]:
    """Height and width of the crop box [left, right, top, bottom]; None without one."""
    crop = entry.get("crop")
    return None if crop is None or crop[2] is None else (crop[3] - crop[2], crop[1] - crop[0])


def _start(entry: Entry) -> Optional[int]:
    """First frame of the clip in its file; None when `cut` does not say it as the trainer reads it."""
    if "cut" not in entry:
        return 0
    cut = entry["cut"]
    is_usable = isinstance(cut, list) and len(cut) > 0 and isinstance(cut[0], int) and not isinstance(cut[0], bool) and cut[0] >= 0
    return cut[0] if is_usable and cut[0] <= _MOST_FRAMES else None


def _frames(entry: Entry) -> float:
    return round(entry["fps"] * entry["duration"]) if entry.get("num_frames") is None else entry["num_frames"]


def _time_problem(entry: Entry) -> Optional[str]:
    if not _is_number(entry.get("fps")) or entry["fps"] < _LOWEST_FPS:
        return "no frame rate"
    given = "duration" if entry.get("num_frames") is None else "num_frames"
    if not _is_number(entry.get(given)) or not _is_number(entry["fps"] * entry[given]) or _frames(entry) > _MOST_FRAMES:
        return "no duration"
    return "cut is no list that begins with a frame" if _start(entry) is None else None


def form_problem(entry: Any, rules: Rules) -> Optional[str]:
    """What is wrong with the form of an entry; None when it can be judged."""
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str) or entry["path"] == "":
        return "no path"
    if _caption(entry.get("cap")) is None:
        return "no caption"
    if _size(entry) is None:
        return "no resolution"
    suffix = os.path.splitext(entry["path"])[1].lower()
    if suffix in _TENSOR_SUFFIXES:
        return "a tensor, which only training from features reads"
    if suffix not in _VIDEO_SUFFIXES + _IMAGE_SUFFIXES:
        return "unknown file type"
    score = entry.get("aesthetic") or entry.get("aes")
    if score is not None and not _is_number(score):
        return "the aesthetic score is no number"
    if suffix in _IMAGE_SUFFIXES:
        return None if rules.keeps_images else "an image, not a video"
    return _time_problem(entry) or (_crop_problem(entry["crop"]) if "crop" in entry else None)


def bucket_of(entry: Entry, rules: Rules) -> Judgement:
    """The bucket of an entry of good form, or why the trainer has none for it."""
    height, width = entry["resolution"]["height"], entry["resolution"]["width"]
    size, problem = clip_size(int(height), int(width), rules)
    if size is None:
        return None, problem
    if is_image(entry):
        return (1, *size), None
    if not is_readable_shape(*(_cropped_size(entry) or (height, width)), rules):
        return None, WRONG_ASPECT
    frames, problem = clip_frames(_frames(entry), entry["fps"], _start(entry) or 0, rules)
    return (None, problem) if frames is None else ((frames, *size), None)


def repaired(entry: Entry, rules: Rules) -> Tuple[Entry, List[str]]:
    """The entry without what would trip the trainer up, and what was changed. An entry without faults is returned as it is."""
    changes: Dict[str, Any] = {}
    reasons: List[str] = []
    caption = _caption(entry["cap"])
    if caption != entry["cap"]:
        changes["cap"] = caption
        reasons.append(ONE_CAPTION if isinstance(caption, str) else "a list with captions that are empty")
    resolution = entry["resolution"]
    size = _size(entry)
    assert size is not None
    if any(isinstance(resolution[side], float) for side in ("height", "width")):
        # 480.0 would make another bucket than 480.
        changes["resolution"] = {**resolution, "height": size[0], "width": size[1]}
        reasons.append(WHOLE_NUMBERS)
    cropped = None if is_image(entry) else _cropped_size(entry)
    if cropped is not None and cropped != size and not rules.is_static:
        changes["resolution"] = {**resolution, "height": cropped[0], "width": cropped[1]}
        reasons.append(CROPPED)
    return ({**entry, **changes}, reasons) if reasons else (entry, reasons)


def _left_frames(entry: Entry, facts: VideoFacts) -> Optional[int]:
    """Frames from the clip's start to the file's end; None when the container does not tell."""
    return None if facts.frames is None else max(0, facts.frames - (_start(entry) or 0))


def _true_time(entry: Entry, facts: VideoFacts, rules: Rules) -> Tuple[Entry, List[str]]:
    """Frames and frame rate where the annotation's would make the trainer fail, and why."""
    annotated, start, left = _frames(entry), _start(entry) or 0, _left_frames(entry, facts)
    changes: Dict[str, Any] = {}
    reasons: List[str] = []
    count = annotated
    tolerance = 0 if facts.has_exact_frames else _ESTIMATE_TOLERANCE
    if left is not None and annotated > left + tolerance:
        count = changes["num_frames"] = left
        reasons.append(SHORTER_FILE)
    fps = facts.fps
    if fps is None or fps <= 0 or not facts.has_exact_frames:
        return changes, reasons
    planned = min(resampled(count, entry["fps"], start, rules), rules.frames)
    # The trainer plans with the annotation's rate and reads with the file's; it fails where the numbers of frames differ.
    if min(resampled(count, fps, start, rules), rules.frames) != planned:
        # A file that was encoded anew lasts as long as before. From where a later clip begins in it is unknown.
        lasting = round(annotated / entry["fps"] * fps) if start == 0 else count
        changes["num_frames"] = lasting if left is None else min(lasting, left)
        changes["fps"] = fps
        reasons.append(WRONG_FPS)
    return changes, reasons


def matched(entry: Entry, facts: VideoFacts, rules: Rules) -> Tuple[Optional[Entry], List[str]]:
    """The entry with what the file itself says where the two differ, and in what they did; None when the crop box lies outside."""
    changes: Dict[str, Any] = {}
    reasons: List[str] = []
    crop = entry.get("crop")
    if _cropped_size(entry) is not None:
        if crop[1] > facts.width or crop[3] > facts.height:
            return None, ["the crop box reaches out of the picture"]
    elif _size(entry) != (facts.height, facts.width):
        changes["resolution"] = {**entry["resolution"], "height": facts.height, "width": facts.width}
        reasons.append(WRONG_RESOLUTION)
    time_changes, time_reasons = _true_time(entry, facts, rules)
    reasons += time_reasons
    return ({**entry, **changes, **time_changes}, reasons) if reasons else (entry, reasons)
