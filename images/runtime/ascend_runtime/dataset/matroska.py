"""Matroska: EBML elements of RFC 8794 and RFC 9559. Frames are not counted there; their number follows from the duration."""

from __future__ import annotations

import struct
from typing import Dict, IO, Iterator, Optional, Tuple

from .facts import Unreadable, VideoFacts, exactly

_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_TIMESTAMP_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK_ENTRY, _TRACK_TYPE, _DEFAULT_DURATION, _VIDEO = 0xAE, 0x83, 0x23E383, 0xE0
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xB0, 0xBA
_VIDEO_TRACK = 1
_NANOSECONDS = 1_000_000_000

Place = Tuple[int, int]
"""First byte of the content, first byte after it."""


def _number(file: IO[bytes], keeps_marker: bool) -> Tuple[int, bool]:
    """A number of variable length, and whether all of its bits are set, which means an unknown size."""
    first = exactly(file, 1)[0]
    length = 9 - first.bit_length()
    if length > 8:
        raise Unreadable("broken header")
    rest = exactly(file, length - 1)
    value = int.from_bytes(bytes([first if keeps_marker else first & (0xFF >> length)]) + rest, "big")
    return value, value == (1 << 7 * length) - 1


def _elements(file: IO[bytes], start: int, end: int) -> Iterator[Tuple[int, int, int]]:
    position = start
    while position < end:
        file.seek(position)
        kind, _ = _number(file, keeps_marker=True)
        size, is_unknown = _number(file, keeps_marker=False)
        content = file.tell()
        stop = end if is_unknown else content + size
        yield kind, content, stop
        position = stop


def _children(file: IO[bytes], place: Place) -> Dict[int, Place]:
    found: Dict[int, Place] = {}
    for kind, content, stop in _elements(file, *place):
        found.setdefault(kind, (content, stop))
    return found


def _unsigned(file: IO[bytes], place: Optional[Place], default: int) -> int:
    if place is None:
        return default
    file.seek(place[0])
    return int.from_bytes(exactly(file, place[1] - place[0]), "big")


def _seconds(file: IO[bytes], info: Place) -> Optional[float]:
    fields = _children(file, info)
    place = fields.get(_DURATION)
    if place is None:
        return None
    file.seek(place[0])
    ticks = struct.unpack(">f" if place[1] - place[0] == 4 else ">d", exactly(file, place[1] - place[0]))[0]
    return ticks * _unsigned(file, fields.get(_TIMESTAMP_SCALE), 1_000_000) / _NANOSECONDS


def _video_track(file: IO[bytes], tracks: Place) -> Tuple[int, int, Optional[float]]:
    """Height, width and frames a second."""
    for kind, content, stop in _elements(file, *tracks):
        fields = _children(file, (content, stop)) if kind == _TRACK_ENTRY else {}
        if _VIDEO not in fields or _unsigned(file, fields.get(_TRACK_TYPE), 0) != _VIDEO_TRACK:
            continue
        picture = _children(file, fields[_VIDEO])
        frame = _unsigned(file, fields.get(_DEFAULT_DURATION), 0)
        height, width = (_unsigned(file, picture.get(side), 0) for side in (_PIXEL_HEIGHT, _PIXEL_WIDTH))
        return height, width, _NANOSECONDS / frame if frame > 0 else None
    raise Unreadable("no video track")


def read_matroska(file: IO[bytes], size: int) -> VideoFacts:
    """Facts of a Matroska file of `size` bytes."""
    segment = _children(file, (0, size)).get(_SEGMENT)
    if segment is None or segment[1] > size:
        raise Unreadable("cut off")
    info: Optional[Place] = None
    tracks: Optional[Place] = None
    has_pictures = False
    for kind, content, stop in _elements(file, *segment):
        if stop > size:
            raise Unreadable("cut off")
        info = (content, stop) if kind == _INFO else info
        tracks = (content, stop) if kind == _TRACKS else tracks
        has_pictures = has_pictures or kind == _CLUSTER
        # Everything of interest stands before the pictures.
        if has_pictures and info is not None and tracks is not None:
            break
    if info is None or tracks is None:
        raise Unreadable("no video track")
    if not has_pictures:
        raise Unreadable("cut off")
    height, width, fps = _video_track(file, tracks)
    seconds = _seconds(file, info)
    frames = None if seconds is None or fps is None else round(seconds * fps)
    return VideoFacts(height=height, width=width, frames=frames, fps=fps, has_exact_frames=False)
