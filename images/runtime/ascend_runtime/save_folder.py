"""Care for a training's save folder: leftovers of a crash before the start, permissions at the end."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from typing import Optional

from .checkpoints import TRACKER, is_whole
from .contract import Checkpoint
from .messages import say
from .retention import iterations

ASIDE = "aside-"
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640


def set_aside_newer(checkpoint: Checkpoint, tracker: Optional[str]) -> None:
    """Clears the way for a training that goes on: a checkpoint newer than the tracker was never finished, or was given up.

    An incomplete one is removed, for nothing can read it. A complete one is renamed: somebody may have turned the tracker back.
    """
    tracked = -1 if tracker is None or tracker == "release" else int(tracker)
    for iteration, name in iterations(checkpoint.folder):
        if iteration <= tracked:
            continue
        path = os.path.join(checkpoint.folder, name)
        newer = f"{name} is newer than {TRACKER} ({tracker or 'none'})"
        if is_whole(path, checkpoint.layout):
            aside = f"{ASIDE}{name}-{uuid.uuid4().hex[:8]}"
            os.rename(path, os.path.join(checkpoint.folder, aside))
            say(f"{newer} and complete; renamed to {aside}: remove it, or name it in the tracker to go on from there")
        else:
            shutil.rmtree(path)
            say(f"{newer} and incomplete, from a crash while it was saved; removed")


def _chmod(path: str, mode: int) -> bool:
    try:
        # The set-group-id bit of a shared volume's folders stays: it gives new files the volume's group.
        os.chmod(path, mode | (os.stat(path).st_mode & stat.S_ISGID))
        return True
    except OSError:
        return False


def restrict(folder: str) -> None:
    """Gives folders 750 and files 640, as upstream's scripts do after a training; follows no symbolic link."""
    done = failed = 0
    for parent, folders, names in os.walk(folder):
        entries = [(parent, _FOLDER_MODE), *((os.path.join(parent, name), _FILE_MODE) for name in names)]
        for path, mode in entries:
            if os.path.islink(path):
                continue
            if _chmod(path, mode):
                done += 1
            else:
                failed += 1
    say(f"permissions of {folder}: folders 750, files 640 ({done} set{f', {failed} belong to another user' if failed else ''})")
