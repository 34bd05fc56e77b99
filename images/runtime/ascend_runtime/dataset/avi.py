"""AVI: RIFF chunks as Microsoft's AVI file reference describes them, with the OpenDML extension."""

from __future__ import annotations

import struct
from typing import IO, Iterator, Optional, Tuple

from .facts import Unreadable, VideoFacts, exactly

Chunk = Tuple[bytes, int, int]
"""Type (of a list: its own), first byte of the content, first byte after it."""


def _chunks(file: IO[bytes], start: int, end: int) -> Iterator[Chunk]:
    position = start
    while position + 8 <= end:
        file.seek(position)
        kind, size = struct.unpack("<4sI", exactly(file, 8))
        content = position + 8
        if kind in (b"RIFF", b"LIST"):
            kind, content = exactly(file, 4), content + 4
        yield kind, content, position + 8 + size
        position += 8 + size + size % 2


def _video_stream(file: IO[bytes], start: int, end: int) -> Optional[VideoFacts]:
    """The facts of a stream list; None when it holds no pictures."""
    rate = None
    for kind, content, stop in _chunks(file, start, end):
        file.seek(content)
        if kind == b"strh":
            header = exactly(file, 36)
            if header[:4] != b"vids":
                return None
            scale, units = struct.unpack_from("<II", header, 20)
            frames = struct.unpack_from("<I", header, 32)[0]
            rate = units / scale if scale > 0 and units > 0 else None
        elif kind == b"strf":
            _, width, height = struct.unpack("<Iii", exactly(file, min(12, stop - content)))
            # A negative height means that the rows begin at the top.
            return VideoFacts(height=abs(height), width=width, frames=frames, fps=rate, has_exact_frames=True)
    return None


def read_avi(file: IO[bytes], size: int) -> VideoFacts:
    """Facts of an AVI file of `size` bytes."""
    facts: Optional[VideoFacts] = None
    has_pictures = False
    for _, riff, riff_end in _chunks(file, 0, size):
        if riff_end > size:
            raise Unreadable("cut off")
        for kind, content, stop in _chunks(file, riff, riff_end):
            has_pictures = has_pictures or kind == b"movi"
            if kind != b"hdrl" or facts is not None:
                continue
            for inner, inner_content, inner_stop in _chunks(file, content, stop):
                facts = facts or (_video_stream(file, inner_content, inner_stop) if inner == b"strl" else None)
    if facts is None:
        raise Unreadable("no video track")
    if not has_pictures:
        raise Unreadable("cut off")
    return facts
