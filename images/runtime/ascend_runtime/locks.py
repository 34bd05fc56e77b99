"""Only one pod makes an output at a time, on shared file systems too."""

from __future__ import annotations

import os
import shutil
import socket
import time
import uuid
from typing import Callable, Sequence

from .failures import OUTPUT_UNUSABLE, Failure
from .messages import say

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 120.0
_POLL_SECONDS = 1.0


class OutputLock:
    """A folder beside the output: it is made by one of several pods or by none, and touched while its owner lives."""

    def __init__(self, target: str) -> None:
        self.path = f"{target}.lock"
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.is_held = False

    def try_acquire(self) -> bool:
        """Takes the lock, or takes over one whose owner has not been heard of for a while."""
        parent = os.path.dirname(self.path)
        try:
            os.makedirs(parent, exist_ok=True)
        except OSError as error:
            raise Failure(OUTPUT_UNUSABLE, f"{parent} cannot be made: {error}; mount the volume writable for the pod's user") from error
        try:
            os.mkdir(self.path)
        except FileExistsError:
            try:
                age = time.time() - os.stat(self.path).st_mtime
            except FileNotFoundError:
                return False
            if age > STALE_SECONDS:
                # Renamed first: of several pods that see the same dead lock, one gets it.
                dead = f"{self.path}.dead-{self.owner}"
                try:
                    os.rename(self.path, dead)
                    shutil.rmtree(dead, ignore_errors=True)
                except OSError:
                    pass
            return False
        except OSError as error:
            raise Failure(OUTPUT_UNUSABLE, f"{self.path} cannot be made: {error}; mount the volume writable for the pod's user") from error
        self.is_held = True
        return True

    def beat(self) -> None:
        """Shows that the owner is alive."""
        if self.is_held:
            try:
                os.utime(self.path)
            except OSError:
                pass

    def release(self) -> None:
        if self.is_held:
            shutil.rmtree(self.path, ignore_errors=True)
            self.is_held = False


def acquire_all(locks: Sequence[OutputLock], is_done: Callable[[], bool]) -> bool:
    """Waits for all locks. Returns False when another pod has done the work meanwhile."""
    is_announced = False
    for lock in locks:
        while not lock.try_acquire():
            if not is_announced:
                is_announced = True
                say(f"another pod holds {lock.path}; waiting")
            time.sleep(_POLL_SECONDS)
    return not is_done()
