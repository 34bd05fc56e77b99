"""Artifact folders: complete when their manifest is there, and only then. Written elsewhere, renamed when whole."""

from __future__ import annotations

import functools
import glob
import hashlib
import json
import os
import shutil
import uuid
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from .contract import Artifact, Contract, first_difference
from .failures import IDENTITY_MISMATCH, INPUT_MISSING, OUTPUT_UNUSABLE, RESULT_MISSING, Failure

MANIFEST = "ascend-artifact.json"
_EDGE_BYTES = 1 << 20
_FILES_READ = 200


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


def _files(root: str) -> Iterator[Tuple[str, str]]:
    """Files below a folder, or the file itself, as relative name and path, in an order that depends on their names alone."""
    if os.path.isfile(root):
        yield os.path.basename(root), root
        return
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                yield os.path.relpath(path, root), path


def fingerprint(paths: Iterable[str]) -> str:
    """Hash over names and sizes of all files, and over the first and last MiB of the first 200: notices a changed source
    without reading tens of GB, or opening every one of a million videos."""
    digest = hashlib.sha256()
    for root in paths:
        for number, (name, path) in enumerate(_files(root)):
            size = os.path.getsize(path)
            digest.update(f"{name}\0{size}\0".encode(errors="surrogateescape"))
            if number < _FILES_READ:
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


def source_fingerprint(artifact: Artifact) -> str:
    """Fingerprint of what an output is made from, as it was when this pod first looked: what changes later is noticed next time.
    Sources that are not there count as empty, for preflight has judged them."""
    return _once(artifact.sources)


@functools.lru_cache(maxsize=None)
def _once(sources: Tuple[str, ...]) -> str:
    return fingerprint(path for path in sources if os.path.exists(path))


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
    check_origin(artifact, manifest)
    return True


def check_origin(artifact: Artifact, manifest: Mapping[str, Any]) -> None:
    """Raises Failure when a folder was made for something else, or from other files than those that are there now."""
    check_identity(artifact, manifest)
    if manifest.get("sourceFingerprint") != source_fingerprint(artifact):
        raise Failure(
            IDENTITY_MISMATCH,
            f"{artifact.path} was made from other files than those that are there now; "
            "remove it to make it anew, or bring the old source back",
        )


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
    write_manifest(artifact, partial, contract)
    os.rename(partial, artifact.path)


def write_manifest(artifact: Artifact, folder: str, contract: Contract) -> None:
    """Marks an output folder as complete."""
    write_json(
        os.path.join(folder, MANIFEST),
        {
            "schemaVersion": 1,
            "identity": artifact.identity,
            "recipe": contract.recipe,
            "run": contract.run,
            "stage": contract.stage,
            "image": contract.image,
            "sources": list(artifact.sources),
            "sourceFingerprint": source_fingerprint(artifact),
        },
    )


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
