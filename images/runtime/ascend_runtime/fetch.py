"""Brings one file: appends to what an earlier attempt left, checks size and SHA-256, and renames at the end."""

from __future__ import annotations

import hashlib
import http.client
import os
import time
from typing import Any, Dict, Optional

from .artifacts import read_manifest, write_json
from .failures import IDENTITY_MISMATCH, Failure
from .messages import say
from .transfer import Answer, Client, Interrupted, NoSuchRange, Patience

RECORD = ".ascend-download.json"
_CHUNK_BYTES = 1 << 20
_PROGRESS_SECONDS = float(os.environ.get("ASCEND_STACKS_PROGRESS_SECONDS", "10"))
_MIB = 1 << 20


def _records(target: str) -> Dict[str, Any]:
    try:
        return read_manifest(target, RECORD) or {}
    except Failure:
        return {}  # A garbled record costs checking the files again, nothing more.


def recorded_checksum(target: str, path: str, wanted: Optional[str]) -> Optional[str]:
    """Checksum that a file had when it was brought; None when it is not there, has changed since, or is another one than wanted."""
    record = _records(target).get(path)
    try:
        state = os.stat(os.path.join(target, path))
    except OSError:
        return None
    if not isinstance(record, dict) or record.get("size") != state.st_size or record.get("time") != state.st_mtime_ns:
        return None
    checksum = str(record.get("sha256"))
    return checksum if wanted in (None, checksum) else None


def _record(target: str, path: str, checksum: str) -> None:
    state = os.stat(os.path.join(target, path))
    entry = {"sha256": checksum, "size": state.st_size, "time": state.st_mtime_ns}
    write_json(os.path.join(target, RECORD), {**_records(target), path: entry})


def _digest(path: str) -> "hashlib._Hash":
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest


class _Part:
    """The unfinished file, and the mark (ETag) of the version that it is a part of."""

    def __init__(self, final: str, title: str, size: Optional[int]) -> None:
        self.path = f"{final}.part"
        self.title = title
        self.size = size
        self._mark_path = f"{final}.part.etag"
        self._announced = time.monotonic()
        self._started = (time.monotonic(), self.length())

    def length(self) -> int:
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def mark(self) -> str:
        try:
            with open(self._mark_path, encoding="utf-8") as file:
                return file.read()
        except OSError:
            return ""

    def set_mark(self, mark: str) -> None:
        with open(self._mark_path, "w", encoding="utf-8") as file:
            file.write(mark)

    def discard(self) -> None:
        for path in (self.path, self._mark_path):
            if os.path.exists(path):
                os.remove(path)

    def finish(self, final: str) -> None:
        os.replace(self.path, final)
        self.discard()

    def announce(self, length: int) -> None:
        now = time.monotonic()
        if now - self._announced < _PROGRESS_SECONDS:
            return
        self._announced = now
        started, begun = self._started
        share = f" of {self.size / _MIB:.0f} MiB ({100 * length / self.size:.0f} %)" if self.size else ""
        say(f"{self.title}: {length / _MIB:.0f} MiB{share}, {(length - begun) / _MIB / (now - started):.1f} MiB/s")


def _mark(answer: Answer) -> str:
    """A strong ETag: only such a one proves that bytes belong together."""
    tag = answer.headers.get("etag", "")
    return tag if tag.startswith('"') else ""


def _receive(client: Client, url: str, part: _Part, patience: Patience) -> None:
    """Appends what is missing. Raises Interrupted when the connection ends early."""
    have, mark = part.length(), part.mark()
    if have > 0 and part.size == have:
        return
    if have > 0 and mark == "":
        part.discard()
        have = 0
    try:
        answer = client.open(url, {"Range": f"bytes={have}-", "If-Range": mark} if have > 0 else {})
    except NoSuchRange:
        part.discard()
        raise
    try:
        is_continued = answer.status == 206 and answer.headers.get("content-range", "").startswith(f"bytes {have}-")
        if have > 0 and not is_continued:
            say(f"{part.title}: the source has another version or no ranges; starting anew")
            part.discard()
            have = 0
        part.set_mark(_mark(answer))
        expected = answer.headers.get("content-length", "")
        end = have + int(expected) if expected.isdecimal() else None
        with open(part.path, "ab", buffering=0) as file:
            while True:
                chunk = answer.response.read1(_CHUNK_BYTES)
                if not chunk:
                    break
                file.write(chunk)
                have += len(chunk)
                patience.progress(have)
                part.announce(have)
            os.fsync(file.fileno())
        if end is not None and have < end:
            raise Interrupted(f"{part.title}: the connection ended after {have} of {end} bytes")
    except (OSError, http.client.HTTPException) as error:
        raise Interrupted(f"{part.title}: {error!r}") from error
    finally:
        answer.close()


def fetch(client: Client, url: str, target: str, path: str, checksum: Optional[str], size: Optional[int]) -> None:
    """Brings one file below `target`. Raises Failure when it cannot be had, or is not what was wanted; then nothing stays of it."""
    final = os.path.join(target, path)
    os.makedirs(os.path.dirname(final), exist_ok=True)
    part = _Part(final, path, size)
    if checksum is not None and os.path.isfile(final) and _digest(final).hexdigest() == checksum:
        _record(target, path, checksum)
        say(f"{path}: was there already, checksum right")
        return
    patience = Patience()
    while True:
        try:
            _receive(client, url, part, patience)
            break
        except Interrupted as interruption:
            patience.wait(interruption)
    length = part.length()
    got = _digest(part.path).hexdigest()
    is_wrong_size = size is not None and length != size
    if is_wrong_size or checksum not in (None, got):
        part.discard()
        raise Failure(
            IDENTITY_MISMATCH,
            f"{path} is not the file that was wanted, and was removed; got {length} bytes with SHA-256 {got}; "
            f"expected {f'{size} bytes' if is_wrong_size else f'SHA-256 {checksum}'}; see the source, its revision and the checksum",
        )
    part.finish(final)
    _record(target, path, got)
    say(f"{path}: {length} bytes, SHA-256 {got}{'' if checksum is None else ', as expected'}")
