"""The progress of a training in the text format 0.0.4 of Prometheus. Names and labels belong to charts/ascend-observability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator, Optional, Tuple, Union

from .iteration_log import Progress

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Value = Union[int, float]


@dataclass(frozen=True)
class Snapshot:
    """All that a pod knows of its training at one moment; None where another pod knows it, or nobody yet."""

    environment: str
    run: str
    stage: str
    target: Optional[int]
    progress: Optional[Progress]
    last_checkpoint: Optional[int]
    starts: Optional[int]


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: _Value) -> str:
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _progress_metrics(progress: Progress) -> Iterator[Tuple[str, str, str, Optional[_Value]]]:
    line = progress.line
    yield "ascend_training_iteration", "gauge", "Newest finished iteration.", line.iteration
    yield "ascend_training_loss", "gauge", "Loss of the newest logged iteration.", line.loss
    yield "ascend_training_step_seconds", "gauge", "Time of a step, in seconds.", line.step_seconds
    yield "ascend_training_samples_per_second", "gauge", "Global batch size divided by the time of a step.", line.samples_per_second
    yield "ascend_training_consumed_samples", "gauge", "Samples that the training has read since its first start.", line.consumed_samples
    yield "ascend_training_learning_rate", "gauge", "Learning rate of the newest logged iteration.", line.learning_rate
    yield "ascend_training_skipped_iterations", "counter", "Iterations without an update since this start.", progress.skipped
    yield "ascend_training_nan_iterations", "counter", "Skipped iterations whose loss was not finite, since this start.", progress.not_a_number
    yield "ascend_training_last_iteration_timestamp_seconds", "gauge", "When the newest iteration was logged.", progress.printed_at


def _metrics(snapshot: Snapshot) -> Iterator[Tuple[str, str, str, Optional[_Value]]]:
    yield "ascend_training_target_iterations", "gauge", "Iterations that were asked for.", snapshot.target
    if snapshot.progress is not None:
        yield from _progress_metrics(snapshot.progress)
    yield "ascend_training_last_checkpoint_iteration", "gauge", "Iteration that the checkpoint tracker names.", snapshot.last_checkpoint
    yield "ascend_stage_starts", "gauge", "How often the stage was started with this save folder.", snapshot.starts


def exposition(snapshot: Snapshot) -> str:
    """The whole answer to a scrape."""
    labels = ",".join(
        f'{name}="{_escape(value)}"'
        for name, value in (("environment", snapshot.environment), ("run", snapshot.run), ("stage", snapshot.stage))
    )
    lines = []
    for name, kind, text, value in _metrics(snapshot):
        if value is not None:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name}{{{labels}}} {_number(value)}"]
    return "".join(f"{line}\n" for line in lines)
