"""Stages that are proven by the checkpoint that they reach."""

from __future__ import annotations

import os
from typing import Sequence

from . import checkpoints
from .contract import Checkpoint, Contract
from .endings import conclude, training_facts
from .failures import STOPPED
from .messages import say
from .observing import Observed, count_start
from .preflight import preflight
from .programs import Program, full_command, sourced_environment, wait_for_master
from .retention import Keeper
from .save_folder import restrict, set_aside_newer


def train(contract: Contract, checkpoint: Checkpoint, program: Program, words: Sequence[str]) -> int:
    """Starts or goes on, keeps the save folder small meanwhile, and believes the end only when the checkpoint is there."""
    is_first_rank = contract.launch.node_rank == 0
    preflight(contract)
    tracker = checkpoints.prepare_save_folder(checkpoint, is_first_rank)
    say("first start: from the converted weights" if tracker is None else f"going on from iteration {tracker}")
    keeper = Keeper(checkpoint)
    observed = Observed(contract, checkpoint, program.log, count_start(checkpoint) if is_first_rank else None)
    if is_first_rank:
        set_aside_newer(checkpoint, tracker)
        program.set_tick(lambda: (keeper.tick(), observed.tick()))
    environment = sourced_environment(contract.environment_scripts, os.environ)
    wait_for_master(contract.launch, say)
    observed.open()
    try:
        code = program.run(full_command(contract.launch, words), environment, contract.working_directory)
    finally:
        observed.close()
    report = program.log.throughput.report()
    if report is not None:
        print(report, flush=True)
    code = _judge(contract, checkpoint, program, code)
    if code == 0 and is_first_rank and not program.was_stopped:
        keeper.finish()
        restrict(checkpoint.folder)
    return conclude(contract, code, training_facts(checkpoint, program.log), program.was_stopped)


def _judge(contract: Contract, checkpoint: Checkpoint, program: Program, code: int) -> int:
    """The stage's exit code: 0 only when the checkpoint is there."""
    if program.was_stopped:
        return 0 if code == 0 and checkpoints.reached(checkpoint) else STOPPED
    if code == 0:
        checkpoints.prove(checkpoint, contract)
    return code
