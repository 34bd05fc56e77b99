"""The last line of every stage: on standard error, and as the container's termination message."""

from __future__ import annotations

import signal
from typing import List, Optional

from .checkpoints import iteration_folder, read_tracker
from .contract import Checkpoint, Contract
from .failures import Failure, has_termination_message, write_termination_message
from .iteration_log import IterationLog
from .messages import say


def _cause(code: int) -> str:
    if code <= 128:
        return f"the program ended with exit code {code}"
    try:
        name = signal.Signals(code - 128).name
    except ValueError:
        return f"the program ended with exit code {code}"
    hint = ", often because the memory limit was reached" if name == "SIGKILL" else ""
    return f"the program was ended by {name}{hint}"


def conclude(contract: Contract, code: int, facts: List[str], was_stopped: bool = False) -> int:
    """Says how the stage ended and what is known of it. Returns the code."""
    subject = f"{contract.stage} of run {contract.run}"
    if code == 0:
        line = f"done: {subject}: {'; '.join(facts)}"
    elif was_stopped:
        line = f"stopped: {subject}: {'; '.join(['the pod was asked to end', *facts])}"
    else:
        line = f"error: {subject}: {'; '.join([_cause(code), *facts, 'see its log above'])}"
    say(line)
    # A failed command of the runtime itself has left the reason; the code alone would say less.
    if code == 0 or was_stopped or not has_termination_message():
        write_termination_message(f"ascend: {line}")
    return code


def _newest_checkpoint(checkpoint: Checkpoint) -> Optional[str]:
    try:
        tracker = read_tracker(checkpoint.folder)
    except Failure:
        return None
    return None if tracker is None else iteration_folder(checkpoint.folder, tracker)


def training_facts(checkpoint: Checkpoint, log: IterationLog) -> List[str]:
    """How far a training has come, as far as this pod knows: only that of the last rank sees iterations."""
    facts = []
    if log.progress is not None:
        facts.append(f"iteration {log.progress.line.iteration} of {log.progress.line.target}")
    mean, samples = log.throughput.mean_step_seconds, log.throughput.samples_per_second
    if mean is not None:
        facts.append(f"mean step time {mean:.3f} s")
    if samples is not None:
        facts.append(f"{samples:.3f} samples a second")
    newest = _newest_checkpoint(checkpoint)
    facts.append("no checkpoint yet" if newest is None else f"checkpoint {newest}")
    return facts
