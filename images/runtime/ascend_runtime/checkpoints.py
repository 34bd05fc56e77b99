"""Megatron checkpoint folders: a tracker beside `release/` or `iter_<7 digits>/`, which hold what the saving format makes."""

from __future__ import annotations

import os
import time
from typing import Optional, Sequence

from .artifacts import MANIFEST, missing_files, read_manifest, write_json
from .contract import Checkpoint, Contract, Layout, first_difference
from .failures import CHECKPOINT_BROKEN, IDENTITY_MISMATCH, OUTPUT_UNUSABLE, RESULT_MISSING, Failure

TRACKER = "latest_checkpointed_iteration.txt"
RUN_NOTE = "ascend-run.json"
RANK_FILE = "model_optim_rng.pt"
SETTLE_SECONDS = float(os.environ.get("ASCEND_STACKS_SETTLE_SECONDS", "60"))


def read_tracker(folder: str) -> Optional[str]:
    """`release`, or the iteration as a number; None when there is no tracker. Raises Failure for anything else."""
    path = os.path.join(folder, TRACKER)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Failure(CHECKPOINT_BROKEN, f"{path} cannot be read: {error}") from error
    # A number may end in a newline; `release` may not, for the weight converter chokes on it.
    word = text.strip()
    if word == "release" and text != word:
        raise Failure(
            CHECKPOINT_BROKEN,
            f"the checkpoint tracker {path} has characters around its word, on which the weight converter fails; got {text[:40]!r}; "
            f"expected 'release' alone; run `printf release > {path}`",
        )
    if text == "release" or (word.isdecimal() and word.isascii() and len(word) < 10):
        return word
    raise Failure(
        CHECKPOINT_BROKEN,
        f"the checkpoint tracker {path} is broken; got {text[:40]!r}; expected an iteration number or release; "
        "write the number of the newest complete iter_ folder into it, or remove the folder to start anew",
    )


def iteration_folder(folder: str, tracker: str) -> str:
    """Folder that a tracker names."""
    return os.path.join(folder, tracker if tracker == "release" else f"iter_{int(tracker):07d}")


def _needed(layout: Layout) -> Sequence[str]:
    """Patterns of the files of an iteration."""
    return (*(f"{rank}/{RANK_FILE}" for rank in layout.rank_folders), *layout.files)


def check_ranks(folder: str, tracker: str, layout: Layout) -> None:
    """Raises Failure unless all files are there and no model rank more than expected: another layout trains silently wrong."""
    named = iteration_folder(folder, tracker)
    if not os.path.isdir(named):
        raise Failure(CHECKPOINT_BROKEN, f"the tracker in {folder} names a checkpoint that is not there; got no {named}")
    missing = missing_files(named, _needed(layout))
    if missing is not None:
        expected = f"{len(layout.rank_folders)} ranks" if layout.rank_folders else " and ".join(layout.files)
        raise Failure(CHECKPOINT_BROKEN, f"the checkpoint {named} is incomplete; got no {missing}; expected {expected}")
    found = {name for name in os.listdir(named) if name.startswith("mp_rank_")}
    surplus = sorted(found - set(layout.rank_folders))
    if surplus:
        raise Failure(
            IDENTITY_MISMATCH,
            f"the checkpoint {named} was cut for another layout; got {len(found)} model ranks ({surplus[0]} …); "
            f"expected {len(layout.rank_folders)}",
        )


def is_whole(folder: str, layout: Layout) -> bool:
    """Whether an iteration's folder holds all files."""
    return missing_files(folder, _needed(layout)) is None


def check_weights(title: str, folder: str, layout: Layout, remedy: str) -> None:
    """Raises Failure unless a converted checkpoint is whole."""
    tracker = read_tracker(folder)
    if tracker is None:
        raise Failure(CHECKPOINT_BROKEN, f"{title} at {folder} has no {TRACKER}; training would start from random weights; {remedy}")
    check_ranks(folder, tracker, layout)


def prepare_save_folder(checkpoint: Checkpoint, is_first_rank: bool) -> Optional[str]:
    """Makes the save folder usable and returns its tracker: None for a first start, else where the training goes on."""
    folder = checkpoint.folder
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise Failure(OUTPUT_UNUSABLE, f"{folder} cannot be made: {error}; mount the volume writable for the pod's user") from error
    if not os.access(folder, os.W_OK):
        raise Failure(OUTPUT_UNUSABLE, f"{folder} cannot be written by user {os.getuid()}; give it to that user or group")
    for note in (RUN_NOTE, MANIFEST):
        recorded = read_manifest(folder, note)
        difference = None if recorded is None else first_difference(recorded.get("identity", {}), checkpoint.identity)
        if difference is not None:
            name, got, expected = difference
            raise Failure(
                IDENTITY_MISMATCH,
                f"the checkpoints in {folder} belong to another training: {name} differs; got {got}; expected {expected}; "
                "choose another run name, or the old settings",
            )
    tracker = read_tracker(folder)
    if tracker is not None:
        check_ranks(folder, tracker, checkpoint.layout)
    if is_first_rank and not os.path.exists(os.path.join(folder, RUN_NOTE)):
        write_json(os.path.join(folder, RUN_NOTE), {"schemaVersion": 1, "identity": checkpoint.identity})
    return tracker


def reached(checkpoint: Checkpoint) -> bool:
    """Whether the requested iteration is saved and whole."""
    try:
        tracker = read_tracker(checkpoint.folder)
        if tracker is None or tracker == "release" or int(tracker) < checkpoint.iteration:
            return False
        check_ranks(checkpoint.folder, tracker, checkpoint.layout)
        return True
    except Failure:
        return False


def _check_reached(checkpoint: Checkpoint) -> str:
    tracker = read_tracker(checkpoint.folder)
    if tracker is None or tracker == "release" or int(tracker) < checkpoint.iteration:
        raise Failure(
            RESULT_MISSING,
            f"the program ended without error but the training is not complete; got iteration {tracker or 'none'} in "
            f"{checkpoint.folder}; expected {checkpoint.iteration}; see its log above",
        )
    check_ranks(checkpoint.folder, tracker, checkpoint.layout)
    return tracker


def prove(checkpoint: Checkpoint, contract: Contract) -> None:
    """Raises Failure unless the training reached its end; then marks the folder as complete.

    A shared file system may show this node the files of another one some seconds late, so a missing result gets some time.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            tracker = _check_reached(checkpoint)
            break
        except Failure:
            if time.monotonic() >= deadline:
                raise
            time.sleep(min(1.0, SETTLE_SECONDS / 20))
    if contract.launch.node_rank == 0:
        note = {"schemaVersion": 1, "identity": checkpoint.identity, "iteration": int(tracker), "run": contract.run, "image": contract.image}
        write_json(os.path.join(checkpoint.folder, MANIFEST), note)
