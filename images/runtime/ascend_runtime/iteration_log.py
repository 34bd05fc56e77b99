"""The one reader of a training's iteration lines, as they pass by: bounded memory, no effect on the output.

Form of the line: mindspeed_mm/training.py:1003-1062 of MindSpeed-MM v26.0.0; only the last rank prints it.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import Callable, Optional, Union

from .throughput import Throughput

_LONGEST_LINE = 8192
_MARK = b"elapsed time per iteration (ms):"
_COUNTS = re.compile(rb"iteration\s+([0-9]{1,18})/\s*([0-9]{1,18})(?![0-9])")
_NUMBER = rb"\s*([-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]{1,4})?|nan|inf))(?=[\s|]|$)"


def _field(name: bytes) -> "re.Pattern[bytes]":
    return re.compile(rb"(?:^|\|)\s*" + re.escape(name) + rb":" + _NUMBER, re.IGNORECASE)


_STEP = _field(b"elapsed time per iteration (ms)")
_SAMPLES = _field(b"consumed samples")
_RATE = _field(b"learning rate")
_BATCH = _field(b"global batch size")
_LOSS = _field(b"loss")
_SKIPPED = _field(b"number of skipped iterations")
_NAN = _field(b"number of nan iterations")

Number = Union[int, float]


@dataclass(frozen=True)
class IterationLine:
    """What one line says; None where it does not say it."""

    iteration: int
    target: int
    step_seconds: float
    global_batch: Optional[int] = None
    consumed_samples: Optional[int] = None
    learning_rate: Optional[float] = None
    loss: Optional[float] = None
    skipped: Optional[int] = None
    not_a_number: Optional[int] = None

    @property
    def samples_per_second(self) -> Optional[float]:
        """Samples of a step over its time."""
        return None if self.global_batch is None else self.global_batch / self.step_seconds


def _number(pattern: "re.Pattern[bytes]", line: bytes) -> Optional[float]:
    match = pattern.search(line)
    return None if match is None else float(match.group(1))


def _count(pattern: "re.Pattern[bytes]", line: bytes) -> Optional[int]:
    value = _number(pattern, line)
    return int(value) if value is not None and math.isfinite(value) else None


def _loss(line: bytes, skipped: Optional[int], not_a_number: Optional[int]) -> Optional[float]:
    """Upstream prints a loss only when it is at least 0, so a line to its end that has none hides one that is not a number."""
    loss = _number(_LOSS, line)
    if loss is not None or skipped is None or not_a_number is None:
        return loss
    return math.nan if skipped == 0 or not_a_number > 0 else None


def parse_line(line: bytes) -> Optional[IterationLine]:
    """What an iteration line says; None for every other line."""
    if _MARK not in line:
        return None
    counts = _COUNTS.search(line)
    milliseconds = _number(_STEP, line)
    if counts is None or milliseconds is None or not 0 < milliseconds < math.inf:
        return None
    skipped, not_a_number = _count(_SKIPPED, line), _count(_NAN, line)
    return IterationLine(
        iteration=int(counts.group(1)),
        target=int(counts.group(2)),
        step_seconds=milliseconds / 1000,
        global_batch=_count(_BATCH, line),
        consumed_samples=_count(_SAMPLES, line),
        learning_rate=_number(_RATE, line),
        loss=_loss(line, skipped, not_a_number),
        skipped=skipped,
        not_a_number=not_a_number,
    )


@dataclass(frozen=True)
class Progress:
    """Where the training is: its newest line, when that was printed, and what has added up since the program's start."""

    line: IterationLine
    printed_at: float
    skipped: int
    not_a_number: int


class IterationLog:
    """Reads a program's output piece by piece. Other threads may read `progress`: it is replaced as a whole."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.progress: Optional[Progress] = None
        self.throughput = Throughput()
        self._clock = clock
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Takes the next piece of output; a line may arrive in several."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            found = parse_line(line[-_LONGEST_LINE:])
            if found is not None:
                self._take(found)

    def _take(self, line: IterationLine) -> None:
        before = self.progress
        self.progress = Progress(
            line,
            self._clock(),
            (0 if before is None else before.skipped) + (line.skipped or 0),
            (0 if before is None else before.not_a_number) + (line.not_a_number or 0),
        )
        self.throughput.add(line.step_seconds, line.global_batch)
