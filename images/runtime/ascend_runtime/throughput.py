"""Upstream's performance line: mean step time of the last 100 of the first 200 logged iterations, and samples a second."""

from __future__ import annotations

from typing import List, Optional

_WINDOW = 200
_COUNTED = 100


class Throughput:
    """Step times of a training's first iterations."""

    def __init__(self) -> None:
        self._times: List[float] = []
        self._batch = 0

    def add(self, step_seconds: float, global_batch: Optional[int]) -> None:
        """Counts one logged iteration, until there are enough."""
        if len(self._times) >= _WINDOW:
            return
        self._times.append(step_seconds)
        if global_batch is not None:
            self._batch = global_batch

    @property
    def mean_step_seconds(self) -> Optional[float]:
        """Mean time of a step; None when none was logged."""
        counted = self._times[-_COUNTED:]
        return sum(counted) / len(counted) if counted else None

    @property
    def samples_per_second(self) -> Optional[float]:
        """Samples a second at that step time; None when it is not known."""
        mean = self.mean_step_seconds
        return None if mean is None or self._batch == 0 else self._batch / mean

    def report(self) -> Optional[str]:
        """The line as upstream's scripts print it."""
        mean = self.mean_step_seconds
        if mean is None:
            return None
        return f"Elapsed Time Per iteration: {mean * 1000:.1f}, Average Samples per Second: {self._batch / mean:.3f}"
