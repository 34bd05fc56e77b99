"""What a training pod serves for Prometheus while its program runs, when the contract asks for it."""

from __future__ import annotations

import os
import threading
from typing import Optional

from .artifacts import read_manifest, write_json
from .checkpoints import read_tracker
from .contract import Checkpoint, Contract
from .failures import Failure
from .iteration_log import IterationLog
from .metrics import Snapshot, exposition
from .metrics_server import MetricsServer, try_to_serve

STARTS = "ascend-starts.json"


def count_start(checkpoint: Checkpoint) -> Optional[int]:
    """How often a training was started with this save folder, this time included; None when that cannot be kept."""
    try:
        recorded = read_manifest(checkpoint.folder, STARTS)
        starts = 1 + (0 if recorded is None else int(recorded["starts"]))
        write_json(os.path.join(checkpoint.folder, STARTS), {"schemaVersion": 1, "starts": starts})
        return starts
    except (Failure, OSError, KeyError, TypeError, ValueError):
        return None


class Observed:
    """A training as Prometheus sees it. The last rank knows iterations; the first one, which keeps the save folder, checkpoints."""

    def __init__(self, contract: Contract, checkpoint: Checkpoint, log: IterationLog, starts: Optional[int]) -> None:
        self._contract = contract
        self._checkpoint = checkpoint
        self._log = log
        self._starts = starts
        self._last_checkpoint: Optional[int] = None
        self._reading: Optional[threading.Thread] = None
        self._server: Optional[MetricsServer] = None

    def open(self) -> None:
        """Begins to serve, if the contract asks for it."""
        if self._contract.metrics_port is not None:
            self.tick()
            self._server = try_to_serve(self._contract.metrics_port, self._text)

    def close(self) -> None:
        """Ends it with the program."""
        if self._server is not None:
            self._server.close()

    def tick(self) -> None:
        """Looks at the tracker again, beside the program: a shared volume that hangs must not delay the log."""
        is_idle = self._reading is None or not self._reading.is_alive()
        if self._contract.launch.node_rank == 0 and self._contract.metrics_port is not None and is_idle:
            self._reading = threading.Thread(target=self._read_tracker, daemon=True)
            self._reading.start()

    def _read_tracker(self) -> None:
        try:
            tracker = read_tracker(self._checkpoint.folder)
            self._last_checkpoint = None if tracker is None or tracker == "release" else int(tracker)
        except Failure:
            pass  # It is being written at this moment; the next look sees it whole.

    def _text(self) -> str:
        is_last_rank = self._contract.launch.node_rank == self._contract.launch.nodes - 1
        return exposition(
            Snapshot(
                environment=self._contract.environment,
                run=self._contract.run,
                stage=self._contract.stage,
                target=self._checkpoint.iteration if is_last_rank else None,
                progress=self._log.progress,
                last_checkpoint=self._last_checkpoint,
                starts=self._starts,
            )
        )
