"""What the header of a video says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Optional


class Unreadable(Exception):
    """A file that no decoder can read whole; the message is the reason, without the path."""


@dataclass(frozen=True)
class VideoFacts:
    """Size, length and rate of the first video track."""

    height: int
    """Pixels, as the decoder gives them: after the rotation that the file asks for."""
    width: int
    frames: Optional[int]
    fps: Optional[float]
    has_exact_frames: bool
    """Whether the container counts its frames, or they follow from its duration."""


def exactly(file: IO[bytes], count: int) -> bytes:
    """The next bytes. Raises EOFError when there are fewer."""
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data
