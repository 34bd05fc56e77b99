"""Commands of the runtime. Every failure is one line on standard error and one documented exit code."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Optional, Sequence

from . import dataset, download_options
from .contract import Contract, read_contract
from .endings import conclude
from .failures import OUTPUT_UNUSABLE, STOPPED, Failure, write_termination_message
from .locks import HEARTBEAT_SECONDS
from .making import FINAL_OUTPUT, make
from .messages import say
from .patches import PATCHES, apply_patches, check_patches
from .preflight import preflight
from .programs import Program, Stopped
from .training import train


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ascend-runtime", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    launch = commands.add_parser("launch", help="check the inputs, run the program, prove the result")
    launch.add_argument("--contract", required=True, help="contract file of the stage")
    launch.add_argument("program", nargs=argparse.REMAINDER, help="-- program and its arguments")
    check = commands.add_parser("check", help="check the inputs only")
    check.add_argument("--contract", required=True, help="contract file of the stage")
    dataset.add_arguments(commands.add_parser("prepare-dataset", help="filter annotations to usable clips"))
    download_options.add_arguments(commands.add_parser("download", help="bring files from a hub or mirror, resumable and checked"))
    apply = commands.add_parser("apply-patches", help="repair upstream's code, when the image is built")
    apply.add_argument("--root", required=True, help="folder of the MindSpeed-MM checkout")
    apply.add_argument("--only", nargs="+", default=[], metavar="NAME", help=f"these alone, of {', '.join(PATCHES)}")
    proof = commands.add_parser("check-patches", help="see whether upstream's code carries repairs")
    proof.add_argument("--root", required=True, help="folder of the MindSpeed-MM checkout")
    proof.add_argument("--patch", action="append", default=[], metavar="NAME", help="name of a patch; all when absent")
    return parser


def _with_contract(options: argparse.Namespace, contract: Contract) -> int:
    if options.command == "check":
        preflight(contract)
        say("every input is there and fits")
        return 0
    program = Program(lambda: None, float(os.environ.get("ASCEND_STACKS_TICK_SECONDS", HEARTBEAT_SECONDS)))
    words = options.program[1:] if options.program[:1] == ["--"] else options.program
    if contract.checkpoint is None:
        return make(contract, program, words)
    return train(contract, contract.checkpoint, program, words)


def _without_contract(options: argparse.Namespace) -> int:
    if options.command == "prepare-dataset":
        return dataset.prepare_dataset(options, os.environ.get(FINAL_OUTPUT))
    if options.command == "download":
        from .download import download

        return download(options)
    if options.command == "apply-patches":
        apply_patches(options.root, options.only)
    else:
        names = options.patch or tuple(PATCHES)
        check_patches(options.root, names)
        say(f"the code carries {', '.join(names)}")
    return 0


def main(words: Sequence[str]) -> int:
    options = _parser().parse_args(words)
    contract: Optional[Contract] = None
    try:
        if options.command not in ("launch", "check"):
            return _without_contract(options)
        contract = read_contract(options.contract)
        return _with_contract(options, contract)
    except Stopped:
        return STOPPED if contract is None else conclude(contract, STOPPED, ["before the program was started"], was_stopped=True)
    except (Failure, OSError) as error:
        failure = error if isinstance(error, Failure) else Failure(OUTPUT_UNUSABLE, f"a file or folder cannot be used: {error}")
        where = "stage" if contract is None else f"{contract.stage} of run {contract.run}"
        line = f"ascend: error: {where}: {failure}"
        print(line, file=sys.stderr, flush=True)
        write_termination_message(line)
        return failure.code
