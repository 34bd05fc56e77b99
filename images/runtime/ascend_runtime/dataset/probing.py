"""Reads the header of a video file: is it whole, and what does it hold? Only a few hundred bytes are read, never pictures."""

from __future__ import annotations

import os
import stat
from typing import Callable, IO, Optional, Tuple

from .avi import read_avi
from .facts import Unreadable, VideoFacts
from .isobmff import is_isobmff, read_isobmff
from .matroska import read_matroska

__all__ = ["MISSING", "Unreadable", "VideoFacts", "inspect_file", "probe_video"]

MISSING = "file missing or empty"


def _reader(head: bytes) -> Callable[[IO[bytes], int], VideoFacts]:
    # As decord does, by what is inside: names lie.
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return read_avi
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return read_matroska
    if is_isobmff(head):
        return read_isobmff
    raise Unreadable("not a video of a known kind")


def probe_video(path: str) -> VideoFacts:
    """What a video file holds. Raises Unreadable when it is cut off or no video, OSError when it cannot be read."""
    with open(path, "rb", buffering=4096) as file:
        size = os.fstat(file.fileno()).st_size
        read = _reader(file.read(16))
        try:
            facts = read(file, size)
        except (IndexError, ValueError, EOFError, RecursionError) as error:
            raise Unreadable("broken header") from error
    if facts.width <= 0 or facts.height <= 0 or facts.frames == 0:
        raise Unreadable("no pictures inside")
    return facts


def inspect_file(path: str, probes_header: bool) -> Tuple[Optional[str], Optional[VideoFacts]]:
    """Why a file cannot be used, or what it holds; facts only when its header is read."""
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode) or state.st_size == 0:
            return MISSING, None
        return None, probe_video(path) if probes_header else None
    except Unreadable as error:
        return f"unreadable file: {error}", None
    # A name with a zero byte or half of a surrogate pair is a ValueError.
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return MISSING, None
    except OSError as error:
        return f"unreadable file: {error.strerror}", None
