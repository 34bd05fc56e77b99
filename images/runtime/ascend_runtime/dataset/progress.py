"""Where a run has got to: kept beside the output, so that an interrupted one goes on, and shown every few seconds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import asdict
from typing import Any, Dict, Optional

from ..artifacts import fingerprint, write_json
from ..failures import OUTPUT_UNUSABLE, Failure
from .options import Options

# Raised whenever judgement or the form of the kept files changes: what an older version has judged is then judged again.
_VERSION = 1
_SHOW_SECONDS = float(os.environ.get("ASCEND_STACKS_PROGRESS_SECONDS", "5"))
_SAVE_SECONDS = float(os.environ.get("ASCEND_STACKS_SAVE_SECONDS", "2"))


def _identity(options: Options) -> str:
    """Hash over everything that decides the result; of the videos themselves only their root folder's time of change."""
    asked = {name: value for name, value in asdict(options).items() if name not in ("output", "threads", "restarts")}
    changed = [os.stat(path).st_mtime_ns for path in (*options.annotations, options.data_folder)]
    parts = [_VERSION, asked, fingerprint(options.annotations), changed]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Progress:
    """The folder `<final output>.progress`: what has been judged so far. Removed when the run ends by itself."""

    def __init__(self, final: str, options: Options) -> None:
        self.folder = f"{final.rstrip('/')}.progress"
        self._file = os.path.join(self.folder, "state.json")
        self._identity = _identity(options)
        self._saved = time.monotonic()
        try:
            if options.restarts:
                self.remove()
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise Failure(OUTPUT_UNUSABLE, f"{self.folder} cannot be made: {error}; mount it writable for the pod's user") from error

    def load(self) -> Optional[Dict[str, Any]]:
        """What an interrupted run with the same options and sources left; None to begin at the beginning."""
        try:
            with open(self._file, encoding="utf-8") as file:
                state = json.load(file)
        except (OSError, ValueError):
            return None
        return state["work"] if isinstance(state, dict) and state.get("identity") == self._identity else None

    def is_due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() - self._saved >= _SAVE_SECONDS

    def save(self, work: Dict[str, Any]) -> None:
        """Keeps the state. What it speaks of must be on the disk already."""
        write_json(self._file, {"identity": self._identity, "work": work})
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Forgets everything."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class Announcer:
    """One line on standard error every few seconds: entries, rate, share of the bytes, time to go."""

    def __init__(self, total_bytes: int, done_bytes: int, done_entries: int) -> None:
        self._total = max(1, total_bytes)
        self._first_bytes = done_bytes
        self._first_entries = done_entries
        self._started = time.monotonic()
        self._shown = self._started

    def show(self, done_bytes: int, entries: int, usable: int) -> None:
        """Says how far it has got, if the last line is old enough."""
        now = time.monotonic()
        if now - self._shown < _SHOW_SECONDS:
            return
        self._shown = now
        passed = max(1e-6, now - self._started)
        rate = (entries - self._first_entries) / passed
        speed = (done_bytes - self._first_bytes) / passed
        left = f", about {_duration((self._total - done_bytes) / speed)} to go" if speed > 0 else ""
        share = 100 * done_bytes / self._total
        line = f"ascend: {entries} entries read ({rate:.0f} a second), {usable} usable, {share:.0f} % of {self._total / 1e6:.0f} MB{left}"
        print(line, file=sys.stderr, flush=True)
