"""Stages that are proven by their output folders."""

from __future__ import annotations

import os
from typing import Dict, Sequence

from . import artifacts, checkpoints, conversion, in_place
from .contract import Artifact, Contract
from .endings import conclude
from .failures import CONTRACT, STOPPED, Failure
from .locks import OutputLock, acquire_all
from .messages import say
from .preflight import preflight
from .programs import Program, full_command, sourced_environment, wait_for_master

FINAL_OUTPUT = "ASCEND_STACKS_FINAL_OUTPUT"


def _is_complete(output: Artifact) -> bool:
    return in_place.is_complete(output) if output.is_written_in_place else artifacts.is_complete(output)


def _all_complete(contract: Contract) -> bool:
    return all([_is_complete(output) for output in contract.outputs])


def make(contract: Contract, program: Program, words: Sequence[str]) -> int:
    """Makes the outputs, unless they are there already. The node with rank 0 proves them; the others help it."""
    preflight(contract)
    if contract.launch.nodes > 1 and not all(output.is_written_in_place for output in contract.outputs):
        raise Failure(CONTRACT, "several nodes cannot share an output that is renamed at the end; mark it as written in place")
    if _all_complete(contract):
        return conclude(contract, 0, ["already done with the same settings and sources; nothing to do"])
    if contract.launch.node_rank > 0:
        return conclude(contract, _run(contract, program, words), ["the node with rank 0 proves the result"], program.was_stopped)
    locks = [OutputLock(output.path) for output in contract.outputs]
    try:
        if not acquire_all(locks, lambda: _all_complete(contract)):
            return conclude(contract, 0, ["another pod has done it meanwhile; nothing to do"])
        program.set_tick(lambda: [lock.beat() for lock in locks])
        code = _make_locked(contract, program, words)
        made = [f"{output.title} at {output.path}" for output in contract.outputs] or ["the program ended without error"]
        return conclude(contract, code, made if code == 0 else [], program.was_stopped)
    finally:
        for lock in locks:
            lock.release()


def _run(contract: Contract, program: Program, words: Sequence[str]) -> int:
    environment = sourced_environment(contract.environment_scripts, os.environ)
    if contract.outputs:
        environment[FINAL_OUTPUT] = contract.outputs[0].path
    wait_for_master(contract.launch, say)
    code = program.run(full_command(contract.launch, words), environment, contract.working_directory)
    return STOPPED if program.was_stopped else code


def _prepare(output: Artifact) -> str:
    """The folder that the program writes this output to."""
    if not output.is_written_in_place:
        return artifacts.prepare_partial(output)
    in_place.begin(output)
    return output.path


def _make_locked(contract: Contract, program: Program, words: Sequence[str]) -> int:
    folders: Dict[str, str] = {output.path: _prepare(output) for output in contract.outputs}
    redirected = list(words)
    for final, folder in folders.items():
        redirected = [word.replace(final, folder) for word in redirected]
    code = _run(contract, program, redirected)
    if code != 0:
        return code
    for output in contract.outputs:
        _finish(contract, output, folders[output.path])
    return 0


def _finish(contract: Contract, output: Artifact, folder: str) -> None:
    if output.is_written_in_place:
        in_place.finish(output, contract)
        return
    if output.layout is not None:
        checkpoints.check_weights(output.title, folder, output.layout, "see the converter's log above")
        if contract.conversion is not None:
            conversion.check_result(contract.conversion, output.title, folder)
    artifacts.finish(output, folder, contract)
