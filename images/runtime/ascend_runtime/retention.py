"""Removes old checkpoints while a training runs: the newest ones and every M-th stay.

The checkpoint that the tracker names, and newer ones (being written), are never touched. A checkpoint is renamed before it is
removed, so that a crash leaves no half of one behind under its own name.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from typing import List, Optional, Tuple

from .checkpoints import read_tracker
from .contract import Checkpoint, Retention
from .failures import Failure
from .messages import say

DELETING = ".deleting-"
_ITERATION = re.compile(r"iter_(\d{7,})")


def iterations(folder: str) -> List[Tuple[int, str]]:
    """Checkpoints of a save folder as iteration and folder name, oldest first. A symbolic link is none: it leads elsewhere."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _ITERATION.fullmatch(entry.name)
            if match is not None and entry.is_dir(follow_symlinks=False):
                found.append((int(match.group(1)), entry.name))
    return sorted(found)


def surplus(found: List[Tuple[int, str]], tracked: int, retention: Retention) -> List[str]:
    """Names of the checkpoints that may go."""
    finished = [(iteration, name) for iteration, name in found if iteration <= tracked]
    kept = {name for _, name in finished[-retention.keep_last :]}
    return [
        name
        for iteration, name in finished
        if name not in kept
        and iteration != tracked
        and (retention.keep_every is None or iteration % retention.keep_every != 0)
    ]


class Keeper:
    """Applies the retention of a save folder beside the running program; one pass at a time."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._folder = checkpoint.folder
        self._retention = checkpoint.retention
        self._thread: Optional[threading.Thread] = None

    def tick(self) -> None:
        """Starts a pass unless one is running: removing a large checkpoint may take minutes and must not delay the log."""
        if self._retention is None or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._pass, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Waits for the running pass and does a last one."""
        if self._thread is not None:
            self._thread.join()
        self._pass()

    def _pass(self) -> None:
        if self._retention is None:
            return
        try:
            tracker = read_tracker(self._folder)
            names = [] if tracker is None or tracker == "release" else surplus(iterations(self._folder), int(tracker), self._retention)
            for name in names:
                os.rename(os.path.join(self._folder, name), os.path.join(self._folder, DELETING + name))
            for name in os.listdir(self._folder):
                if name.startswith(DELETING):
                    self._remove(name)
        except Failure:
            pass  # The tracker is being written at this moment; the next pass sees it whole.
        except OSError as error:
            say(f"an old checkpoint cannot be removed: {error}")

    def _remove(self, name: str) -> None:
        path = os.path.join(self._folder, name)
        if os.path.islink(path):
            return
        # rmtree unlinks symbolic links inside and never follows them.
        shutil.rmtree(path)
        say(f"removed old checkpoint {name[len(DELETING):]}")
