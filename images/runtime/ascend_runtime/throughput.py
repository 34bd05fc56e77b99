"""Upstream's performance line: mean step time of the last 100 of the first 200 logged iterations, and samples a second."""

from __future__ import annotations

import re
from typing import List, Optional

_WINDOW = 200
_COUNTED = 100
_LONGEST_LINE = 8192
_STEP = re.compile(rb"elapsed time per iteration \(ms\): ([0-9.]+)")
_BATCH = re.compile(rb"global batch size:\s*([0-9]+)")


class Throughput:
    """Reads a program's output as it passes by, in bounded memory; never changes or delays it."""

    def __init__(self) -> None:
        self._times: List[float] = []
        self._batch = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        if len(self._times) >= _WINDOW:
            return
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            step = _STEP.search(line)
            if step is None or len(self._times) >= _WINDOW:
                continue
            try:
                self._times.append(float(step.group(1)))
            except ValueError:
                continue
            batch = _BATCH.search(line)
            if batch is not None:
                self._batch = int(batch.group(1))

    def report(self) -> Optional[str]:
        counted = self._times[-_COUNTED:]
        if not counted or sum(counted) == 0:
            return None
        mean = sum(counted) / len(counted)
        return f"Elapsed Time Per iteration: {mean:.1f}, Average Samples per Second: {self._batch * 1000 / mean:.3f}"
