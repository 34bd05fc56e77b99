"""Artifact folders: complete when their manifest is there, and only then. Written elsewhere, renamed when whole."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import socket
import time
import uuid
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from .contract import Artifact, Contract, first_difference
from .failures import IDENTITY_MISMATCH, INPUT_MISSING, OUTPUT_UNUSABLE, RESULT_MISSING, Failure

MANIFEST = "ascend-artifact.json"
_EDGE_BYTES = 1 << 20
_HEARTBEAT_SECONDS = 10.0
_STALE_SECONDS = 120.0


def write_json(path: str, value: Mapping[str, Any]) -> None:
    """Writes a file in one step: whole or not at all, and on the disk when this returns."""
    temporary = f"{path}.{uuid.uuid4().hex}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_manifest(folder: str, name: str = MANIFEST) -> Optional[Dict[str, Any]]:
    """The manifest of a folder; None when there is none. A garbled one is a mismatch, never a missing one."""
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Failure(IDENTITY_MISMATCH, f"{path} cannot be read: {error}; remove the folder and run its stage again") from error
    if not isinstance(value, dict):
        raise Failure(IDENTITY_MISMATCH, f"{path} holds no manifest; remove the folder and run its stage again")
    return value


def missing_files(folder: str, patterns: Iterable[str]) -> Optional[str]:
    """The first pattern that no non-empty file matches; None when all match."""
    for pattern in patterns:
        found = glob.iglob(os.path.join(glob.escape(folder), pattern), recursive=True)
        if not any(os.path.isfile(path) and os.path.getsize(path) > 0 for path in found):
            return pattern
    return None


def _edges(path: str, size: int) -> bytes:
    with open(path, "rb") as file:
        head = file.read(_EDGE_BYTES)
        if size <= _EDGE_BYTES:
            return head
        file.seek(max(_EDGE_BYTES, size - _EDGE_BYTES))
        return head + file.read(_EDGE_BYTES)


def fingerprint(paths: Iterable[str]) -> str:
    """Hash over names, sizes, first and last MiB of all files: notices a changed source without reading tens of GB."""
    digest = hashlib.sha256()
    for root in paths:
        if os.path.isfile(root):
            files = [(os.path.basename(root), root)]
        else:
            walked = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
            files = sorted((os.path.relpath(path, root), path) for path in walked)
        for name, path in files:
            size = os.path.getsize(path)
            digest.update(f"{name}\0{size}\0".encode())
            digest.update(_edges(path, size))
    return digest.hexdigest()


def check_identity(artifact: Artifact, manifest: Mapping[str, Any]) -> None:
    """Raises Failure naming the first field in which a folder differs from what the plan expects."""
    difference = first_difference(manifest.get("identity", {}), artifact.identity or {})
    if difference is not None:
        name, got, expected = difference
        raise Failure(
            IDENTITY_MISMATCH,
            f"{artifact.title} at {artifact.path} was made for something else: {name} differs; got {got}; "
            f"expected {expected}; run the stage that makes it for this layout",
        )


def _sources(artifact: Artifact) -> Tuple[str, ...]:
    return tuple(path for path in artifact.sources if os.path.exists(path))


def is_complete(artifact: Artifact) -> bool:
    """Whether the output is there already, made from the same sources. Raises Failure when something else is there."""
    if not os.path.lexists(artifact.path):
        return False
    manifest = read_manifest(artifact.path)
    if manifest is None:
        raise Failure(
            OUTPUT_UNUSABLE,
            f"{artifact.path} is occupied by something that is no finished {artifact.title}; got no {MANIFEST}; "
            "move it away and start the stage again",
        )
    check_identity(artifact, manifest)
    if manifest.get("sourceFingerprint") != fingerprint(_sources(artifact)):
        raise Failure(
            IDENTITY_MISMATCH,
            f"{artifact.path} was made from other files than those that are there now; "
            "remove it to make it anew, or bring the old source back",
        )
    return True


def prepare_partial(artifact: Artifact) -> str:
    """Makes an empty folder beside the output for the program to write to; leftovers of dead attempts are removed."""
    parent = os.path.dirname(artifact.path)
    try:
        os.makedirs(parent, exist_ok=True)
        for leftover in glob.glob(f"{glob.escape(artifact.path)}.partial-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        partial = f"{artifact.path}.partial-{uuid.uuid4().hex[:12]}"
        os.mkdir(partial)
        return partial
    except OSError as error:
        raise Failure(OUTPUT_UNUSABLE, f"{parent} cannot be written: {error}; mount it writable for the pod's user") from error


def finish(artifact: Artifact, partial: str, contract: Contract) -> None:
    """Checks what the program wrote, writes the manifest last, and gives the folder its name."""
    missing = missing_files(partial, artifact.required_files)
    if missing is not None:
        raise Failure(
            RESULT_MISSING,
            f"the program ended without error but wrote no {artifact.title}; got no file {missing}; see its log above",
        )
    write_json(
        os.path.join(partial, MANIFEST),
        {
            "schemaVersion": 1,
            "identity": artifact.identity,
            "recipe": contract.recipe,
            "run": contract.run,
            "stage": contract.stage,
            "image": contract.image,
            "sources": list(artifact.sources),
            "sourceFingerprint": fingerprint(_sources(artifact)),
        },
    )
    os.rename(partial, artifact.path)


def check_input(artifact: Artifact) -> None:
    """Raises Failure when an input is missing, incomplete or made for something else."""
    if not os.path.exists(artifact.path):
        raise Failure(INPUT_MISSING, f"{artifact.title} is missing; got nothing at {artifact.path}; {artifact.remedy}")
    if artifact.identity is not None:
        manifest = read_manifest(artifact.path)
        if manifest is None:
            raise Failure(INPUT_MISSING, f"{artifact.title} at {artifact.path} is not finished; got no {MANIFEST}; {artifact.remedy}")
        check_identity(artifact, manifest)
    if os.path.isfile(artifact.path) and os.path.getsize(artifact.path) == 0:
        raise Failure(INPUT_MISSING, f"{artifact.title} is empty; got 0 bytes at {artifact.path}; {artifact.remedy}")
    missing = missing_files(artifact.path, artifact.required_files)
    if missing is not None:
        raise Failure(INPUT_MISSING, f"{artifact.title} at {artifact.path} is incomplete; got no file {missing}; {artifact.remedy}")


class OutputLock:
    """Only one pod makes an output at a time, on shared file systems too: a folder is made by one of several or by none."""

    def __init__(self, target: str) -> None:
        self.path = f"{target}.lock"
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.is_held = False

    def try_acquire(self) -> bool:
        """Takes the lock, or takes over one whose owner has not been heard of for a while."""
        parent = os.path.dirname(self.path)
        try:
            os.makedirs(parent, exist_ok=True)
        except OSError as error:
            raise Failure(OUTPUT_UNUSABLE, f"{parent} cannot be made: {error}; mount the volume writable for the pod's user") from error
        try:
            os.mkdir(self.path)
        except FileExistsError:
            try:
                age = time.time() - os.stat(self.path).st_mtime
            except FileNotFoundError:
                return False
            if age > _STALE_SECONDS:
                # Renamed first: of several pods that see the same dead lock, one gets it.
                dead = f"{self.path}.dead-{self.owner}"
                try:
                    os.rename(self.path, dead)
                    shutil.rmtree(dead, ignore_errors=True)
                except OSError:
                    pass
            return False
        except OSError as error:
            raise Failure(OUTPUT_UNUSABLE, f"{self.path} cannot be made: {error}; mount the volume writable for the pod's user") from error
        self.is_held = True
        return True

    def beat(self) -> None:
        """Shows that the owner is alive."""
        if self.is_held:
            try:
                os.utime(self.path)
            except OSError:
                pass

    def release(self) -> None:
        if self.is_held:
            shutil.rmtree(self.path, ignore_errors=True)
            self.is_held = False


HEARTBEAT_SECONDS = _HEARTBEAT_SECONDS
