"""Commands of the runtime. Every failure is one line on standard error and one documented exit code."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import List, Optional, Sequence

from . import artifacts, checkpoints
from .contract import Contract, read_contract
from .dataset import add_arguments, prepare_dataset
from .failures import OUTPUT_UNUSABLE, Failure, write_termination_message
from .programs import Program, Stopped, full_command, sourced_environment, wait_for_master

FINAL_OUTPUT = "ASCEND_STACKS_FINAL_OUTPUT"
_STOPPED = 143
_LOCK_POLL_SECONDS = 1.0


def _say(line: str) -> None:
    print(f"ascend: {line}", file=sys.stderr, flush=True)


def preflight(contract: Contract) -> None:
    """Checks every input. Raises Failure for the first that would make the stage fail, or silently wrong."""
    for item in contract.inputs:
        artifacts.check_input(item)
        if item.rank_folders is not None:
            checkpoints.check_weights(item.title, item.path, item.rank_folders, item.remedy)


def _train(contract: Contract, program: Program, words: Sequence[str]) -> int:
    """A stage that is proven by its checkpoint."""
    checkpoint = contract.checkpoint
    assert checkpoint is not None
    preflight(contract)
    tracker = checkpoints.prepare_save_folder(checkpoint, contract.launch.node_rank == 0)
    _say("first start: from the converted weights" if tracker is None else f"going on from iteration {tracker}")
    environment = sourced_environment(contract.environment_scripts, os.environ)
    wait_for_master(contract.launch, _say)
    code = program.run(full_command(contract.launch, words), environment, contract.working_directory)
    report = program.throughput.report()
    if report is not None:
        print(report, flush=True)
    if program.was_stopped:
        return 0 if code == 0 and checkpoints.reached(checkpoint) else _STOPPED
    if code != 0:
        return code
    checkpoints.prove(checkpoint, contract)
    return 0


def _acquire(contract: Contract, locks: List[artifacts.OutputLock]) -> bool:
    """Waits for the locks of all outputs. Returns False when another pod has made them meanwhile."""
    announced = False
    for output, lock in zip(contract.outputs, locks):
        while not lock.try_acquire():
            if not announced:
                announced = True
                _say(f"another pod is making {output.path}; waiting")
            time.sleep(_LOCK_POLL_SECONDS)
    return not all(artifacts.is_complete(output) for output in contract.outputs)


def _make(contract: Contract, program: Program, words: Sequence[str]) -> int:
    """A stage that is proven by its output folders."""
    preflight(contract)
    if all(artifacts.is_complete(output) for output in contract.outputs):
        _say("already done with the same settings and sources; nothing to do")
        return 0
    locks = [artifacts.OutputLock(output.path) for output in contract.outputs]
    try:
        if not _acquire(contract, locks):
            _say("another pod has done it meanwhile; nothing to do")
            return 0
        program.set_tick(lambda: [lock.beat() for lock in locks])
        return _make_locked(contract, program, words)
    finally:
        for lock in locks:
            lock.release()


def _make_locked(contract: Contract, program: Program, words: Sequence[str]) -> int:
    environment = sourced_environment(contract.environment_scripts, os.environ)
    partials = [artifacts.prepare_partial(output) for output in contract.outputs]
    redirected = list(words)
    for output, partial in zip(contract.outputs, partials):
        redirected = [word.replace(output.path, partial) for word in redirected]
    if contract.outputs:
        environment[FINAL_OUTPUT] = contract.outputs[0].path
    code = program.run(full_command(contract.launch, redirected), environment, contract.working_directory)
    if program.was_stopped:
        return _STOPPED
    if code != 0:
        return code
    for output, partial in zip(contract.outputs, partials):
        if output.rank_folders is not None:
            checkpoints.check_weights(output.title, partial, output.rank_folders, "see the converter's log above")
        artifacts.finish(output, partial, contract)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ascend-runtime", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    launch = commands.add_parser("launch", help="check the inputs, run the program, prove the result")
    launch.add_argument("--contract", required=True, help="contract file of the stage")
    launch.add_argument("program", nargs=argparse.REMAINDER, help="-- program and its arguments")
    check = commands.add_parser("check", help="check the inputs only")
    check.add_argument("--contract", required=True, help="contract file of the stage")
    add_arguments(commands.add_parser("prepare-dataset", help="filter annotations to usable clips"))
    return parser


def _run(options: argparse.Namespace, contract: Optional[Contract]) -> int:
    if contract is None:
        return prepare_dataset(options, os.environ.get(FINAL_OUTPUT))
    if options.command == "check":
        preflight(contract)
        _say("every input is there and fits")
        return 0
    program = Program(lambda: None, artifacts.HEARTBEAT_SECONDS)
    words = options.program[1:] if options.program[:1] == ["--"] else options.program
    return _make(contract, program, words) if contract.checkpoint is None else _train(contract, program, words)


def main(words: Sequence[str]) -> int:
    options = _parser().parse_args(words)
    contract: Optional[Contract] = None
    try:
        if options.command != "prepare-dataset":
            contract = read_contract(options.contract)
        return _run(options, contract)
    except Stopped:
        return _STOPPED
    except (Failure, OSError) as error:
        failure = error if isinstance(error, Failure) else Failure(OUTPUT_UNUSABLE, f"a file or folder cannot be used: {error}")
        where = "stage" if contract is None else f"{contract.stage} of run {contract.run}"
        line = f"ascend: error: {where}: {failure}"
        print(line, file=sys.stderr, flush=True)
        write_termination_message(line)
        return failure.code
