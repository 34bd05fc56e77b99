"""Failures that a user can mend: one line, one documented exit code (see README.md beside this package)."""

from __future__ import annotations

import os
from typing import Optional

CONTRACT = 70
INPUT_MISSING = 71
IDENTITY_MISMATCH = 72
CHECKPOINT_BROKEN = 73
ENVIRONMENT = 74
DATASET_UNUSABLE = 75
RESULT_MISSING = 76
OUTPUT_UNUSABLE = 77
DOWNLOAD = 78
STOPPED = 143

TERMINATION_LOG = "ASCEND_STACKS_TERMINATION_LOG"
_LONGEST_MESSAGE = 4096  # bytes; Kubernetes cuts what is longer


class Failure(Exception):
    """Something that stops a stage; the message is one line: what; got …; expected …; what to do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(" ".join(message.split()))
        self.code = code


def _termination_path() -> Optional[str]:
    path = os.environ.get(TERMINATION_LOG, "/dev/termination-log")
    return path if TERMINATION_LOG in os.environ or os.path.exists(path) else None


def write_termination_message(line: str) -> None:
    """Leaves the line where Kubernetes shows it as the reason of the container's end. Best effort."""
    path = _termination_path()
    if path is None:
        return
    # Kubernetes cuts at bytes, which could leave half a character.
    text = line.encode("utf-8", "replace")[:_LONGEST_MESSAGE].decode("utf-8", "ignore")
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        pass


def has_termination_message() -> bool:
    """Whether the program has already left a line itself, as the runtime's own commands do."""
    path = _termination_path()
    try:
        return path is not None and os.path.getsize(path) > 0
    except OSError:
        return False
