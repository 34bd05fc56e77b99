"""mp4 and mov: boxes of ISO/IEC 14496-12 (ISO base media file format) and of QuickTime."""

from __future__ import annotations

import struct
from typing import Dict, IO, Iterator, List, Optional, Tuple

from .facts import Unreadable, VideoFacts, exactly

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_CUT_OFF = "cut off"

Box = Tuple[bytes, int, int]
"""Type, first byte of the content, first byte after it."""


def is_isobmff(head: bytes) -> bool:
    """Whether a file begins as these do."""
    return head[4:8] in _FIRST_BOXES


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[Box]:
    position = start
    while position + 8 <= end:
        file.seek(position)
        size, kind = struct.unpack(">I4s", exactly(file, 8))
        content = position + 8
        if size == 1:
            size = struct.unpack(">Q", exactly(file, 8))[0]
            content += 8
        elif size == 0:
            size = end - position
        if size < content - position:
            # QuickTime ends lists with four zero bytes; anything else is damage.
            raise Unreadable("broken header")
        yield kind, content, position + size
        position += size


def _children(file: IO[bytes], start: int, end: int) -> Dict[bytes, Tuple[int, int]]:
    found: Dict[bytes, Tuple[int, int]] = {}
    for kind, content, stop in _boxes(file, start, end):
        found.setdefault(kind, (content, stop))
    return found


def _find(file: IO[bytes], place: Tuple[int, int], *path: bytes) -> Optional[Tuple[int, int]]:
    for kind in path:
        inner = _children(file, *place).get(kind)
        if inner is None:
            return None
        place = inner
    return place


def _read(file: IO[bytes], place: Tuple[int, int], offset: int, form: str) -> Tuple[int, ...]:
    file.seek(place[0] + offset)
    return struct.unpack(form, exactly(file, struct.calcsize(form)))


def _duration(file: IO[bytes], header: Tuple[int, int]) -> Tuple[int, int]:
    """Time scale and duration of a media header."""
    is_long = _read(file, header, 0, ">B")[0] == 1
    return _read(file, header, 20, ">IQ") if is_long else _read(file, header, 12, ">II")  # type: ignore[return-value]


def _is_turned(file: IO[bytes], header: Tuple[int, int]) -> bool:
    """Whether the matrix of a track header turns the picture by a quarter, which exchanges height and width."""
    is_long = _read(file, header, 0, ">B")[0] == 1
    a, b, _, c, d = _read(file, header, 52 if is_long else 40, ">5i")
    return a == 0 and d == 0 and b != 0 and c != 0


def _check_chunks(file: IO[bytes], table: Tuple[int, int], size: int) -> None:
    """The last chunk of pictures must begin within the file."""
    for kind, form in ((b"stco", ">I"), (b"co64", ">Q")):
        chunks = _find(file, table, kind)
        count = 0 if chunks is None else _read(file, chunks, 4, ">I")[0]
        if chunks is not None and count > 0 and _read(file, chunks, 8 + (count - 1) * struct.calcsize(form), form)[0] >= size:
            raise Unreadable(_CUT_OFF)


def _fragment_frames(file: IO[bytes], fragments: List[Tuple[int, int]], track: int) -> int:
    frames = 0
    for fragment in fragments:
        for kind, content, stop in _boxes(file, *fragment):
            header = _find(file, (content, stop), b"tfhd") if kind == b"traf" else None
            if header is None or _read(file, header, 4, ">I")[0] != track:
                continue
            runs = [(start, end) for name, start, end in _boxes(file, content, stop) if name == b"trun"]
            frames += sum(_read(file, run, 4, ">I")[0] for run in runs)
    return frames


def _track(file: IO[bytes], track: Tuple[int, int], size: int, fragments: List[Tuple[int, int]]) -> Optional[VideoFacts]:
    """The facts of a track; None when it holds no pictures."""
    handler = _find(file, track, b"mdia", b"hdlr")
    if handler is None or _read(file, handler, 8, ">4s")[0] != b"vide":
        return None
    places = [_find(file, track, *path) for path in ((b"tkhd",), (b"mdia", b"mdhd"), (b"mdia", b"minf", b"stbl"))]
    header, media, table = places
    if header is None or media is None or table is None:
        raise Unreadable("broken header")
    description, sizes = _find(file, table, b"stsd"), _find(file, table, b"stsz") or _find(file, table, b"stz2")
    if description is None or sizes is None:
        raise Unreadable("broken header")
    # The first sample entry follows version, flags and count; its width and height follow 24 bytes after its own size and type.
    width, height = _read(file, description, 8 + 8 + 24, ">HH")
    frames = _read(file, sizes, 8, ">I")[0]
    scale, duration = _duration(file, media)
    if frames == 0 and fragments:
        is_long = _read(file, header, 0, ">B")[0] == 1
        frames, duration = _fragment_frames(file, fragments, _read(file, header, 20 if is_long else 12, ">I")[0]), 0
    elif frames > 0:
        _check_chunks(file, table, size)
    if _is_turned(file, header):
        width, height = height, width
    fps = frames * scale / duration if duration > 0 else None
    return VideoFacts(height=height, width=width, frames=frames, fps=fps, has_exact_frames=True)


def read_isobmff(file: IO[bytes], size: int) -> VideoFacts:
    """Facts of an mp4 or mov file of `size` bytes."""
    movie: Optional[Tuple[int, int]] = None
    fragments: List[Tuple[int, int]] = []
    has_media = False
    for kind, content, stop in _boxes(file, 0, size):
        if stop > size:
            raise Unreadable(_CUT_OFF)
        if kind == b"moov":
            movie = (content, stop)
        elif kind == b"moof":
            fragments.append((content, stop))
        has_media = has_media or kind == b"mdat"
    if movie is None or not has_media:
        # The index of most files stands at the end: without it nothing can be read.
        raise Unreadable(_CUT_OFF)
    for kind, content, stop in _boxes(file, *movie):
        facts = _track(file, (content, stop), size, fragments) if kind == b"trak" else None
        if facts is not None:
            return facts
    raise Unreadable("no video track")
