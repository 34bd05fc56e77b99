"""Failures that a user can mend: one line, one documented exit code (see README.md beside this package)."""

from __future__ import annotations

import os

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


class Failure(Exception):
    """Something that stops a stage; the message is one line: what; got …; expected …; what to do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(" ".join(message.split()))
        self.code = code


def write_termination_message(line: str) -> None:
    """Leaves the line where Kubernetes shows it as the reason of the container's end. Best effort."""
    path = os.environ.get(TERMINATION_LOG, "/dev/termination-log")
    try:
        if os.path.exists(path) or TERMINATION_LOG in os.environ:
            with open(path, "w", encoding="utf-8") as file:
                file.write(line[:4000])
    except OSError:
        pass
