"""Outputs that the program writes straight into their folder: several nodes share it, or a file names it.

A note written first says what the folder is being filled for, so that the next attempt goes on in it; the manifest comes last.
"""

from __future__ import annotations

import os
import time

from .artifacts import check_origin, missing_files, read_manifest, source_fingerprint, write_json, write_manifest
from .checkpoints import SETTLE_SECONDS
from .contract import Artifact, Contract
from .failures import OUTPUT_UNUSABLE, RESULT_MISSING, Failure
from .messages import say

BEGUN = "ascend-begun.json"


def is_complete(output: Artifact) -> bool:
    """Whether the output is finished. Raises Failure when its folder is finished for, or made of, something else."""
    manifest = read_manifest(output.path) if os.path.isdir(output.path) else None
    if manifest is None:
        return False
    check_origin(output, manifest)
    return True


def begin(output: Artifact) -> None:
    """Makes the folder, or takes up one that an earlier attempt at the same output has left. Never removes anything."""
    try:
        os.makedirs(output.path, exist_ok=True)
        note = read_manifest(output.path, BEGUN)
        if note is not None:
            check_origin(output, note)
            say(f"going on in {output.path}, which an earlier attempt has begun")
            return
        if os.listdir(output.path):
            raise Failure(
                OUTPUT_UNUSABLE,
                f"{output.path} is occupied by something that is no {output.title}; got files without {BEGUN}; "
                "move them away and start the stage again",
            )
        write_json(
            os.path.join(output.path, BEGUN),
            {"schemaVersion": 1, "identity": output.identity, "sourceFingerprint": source_fingerprint(output)},
        )
    except OSError as error:
        raise Failure(OUTPUT_UNUSABLE, f"{output.path} cannot be written: {error}; mount it writable for the pod's user") from error


def finish(output: Artifact, contract: Contract) -> None:
    """Raises Failure unless the required files are there; then writes the manifest. Files of other nodes may show up late."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        missing = missing_files(output.path, output.required_files)
        if missing is None:
            break
        if time.monotonic() >= deadline:
            raise Failure(
                RESULT_MISSING,
                f"the program ended without error but wrote no {output.title}; got no file {missing} in {output.path}; see its log above",
            )
        time.sleep(min(1.0, SETTLE_SECONDS / 20))
    write_manifest(output, output.path, contract)
