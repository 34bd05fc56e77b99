"""Traps of weight conversion: memory, sources that cannot be cut anew, results that lost layers. Without torch."""

from __future__ import annotations

import glob
import json
import math
import os
import re
import struct
import zipfile
from collections import defaultdict
from typing import Dict, List, Optional

from .checkpoints import RANK_FILE, iteration_folder, read_tracker
from .contract import Conversion
from .failures import CHECKPOINT_BROKEN, ENVIRONMENT, INPUT_MISSING, RESULT_MISSING, Failure

CGROUP = "ASCEND_STACKS_CGROUP"
_GIB = 1 << 30
_LIMIT_FILES = ("memory.max", "memory/memory.limit_in_bytes")
_NO_LIMIT = 1 << 60
_PIPELINE_RANK = re.compile(r"mp_rank_\d{2}_(\d{3})")
_LOSS_ALLOWED = 0.01
_SPREAD_ALLOWED = 0.05
_LARGEST_HEADER = 100 << 20


def check_source(conversion: Conversion) -> None:
    """Raises Failure for a checkpoint that the converter would garble: it can join tensor parallel ranks only."""
    if not conversion.is_checkpoint_source:
        return
    named = _named_folder(conversion.source_path)
    stages = sorted(name for name in os.listdir(named) if _PIPELINE_RANK.fullmatch(name))
    if stages:
        raise Failure(
            CHECKPOINT_BROKEN,
            f"{named} was saved with pipeline parallel, which the converter cannot join (it fails, or writes garbled weights); "
            f"got {len(stages)} pipeline ranks ({stages[0]} …); expected tensor parallel ranks alone (mp_rank_00 …); "
            "train with pipeline parallel 1 when the weights are to be cut anew",
        )


def _named_folder(folder: str) -> str:
    tracker = read_tracker(folder)
    named = None if tracker is None else iteration_folder(folder, tracker)
    if named is None or not os.path.isdir(named):
        raise Failure(INPUT_MISSING, f"there is no checkpoint in {folder}; got tracker {tracker or 'none'}; let the training save one first")
    return named


def _source_files(conversion: Conversion) -> List[str]:
    if os.path.isfile(conversion.source_path):
        return [conversion.source_path]
    if conversion.is_checkpoint_source:
        pattern = os.path.join(glob.escape(_named_folder(conversion.source_path)), "mp_rank_*", RANK_FILE)
        return sorted(glob.glob(pattern))
    root = glob.escape(conversion.source_path)
    found = {path for pattern in conversion.source_files for path in glob.iglob(os.path.join(root, pattern), recursive=True)}
    return sorted(path for path in found if os.path.isfile(path))


def memory_limit() -> Optional[int]:
    """Memory limit of this pod in bytes (cgroup version 2 or 1); None when it has none."""
    root = os.environ.get(CGROUP, "/sys/fs/cgroup")
    for name in _LIMIT_FILES:
        try:
            with open(os.path.join(root, name), encoding="ascii") as file:
                text = file.read().strip()
        except OSError:
            continue
        return int(text) if text.isdecimal() and int(text) < _NO_LIMIT else None
    return None


def check_memory(conversion: Conversion) -> None:
    """Raises Failure when the copies that the converter holds would not fit: the kernel would end it without a word."""
    limit = memory_limit()
    size = sum(os.path.getsize(path) for path in _source_files(conversion))
    needed = conversion.copies * size
    if limit is not None and needed > limit:
        raise Failure(
            ENVIRONMENT,
            f"the conversion would run out of memory: it holds {conversion.copies} copies of {size / _GIB:.1f} GiB; "
            f"got a limit of {limit / _GIB:.1f} GiB; expected at least {needed / _GIB:.1f} GiB; "
            f"set {conversion.memory_setting} to {max(1, math.ceil(needed / _GIB * 1.1))} or more",
        )


def _safetensors_bytes(paths: List[str]) -> Optional[int]:
    """Bytes of all tensors that a set of safetensors files names; None when one cannot be read. A tensor counts once."""
    sizes: Dict[str, int] = {}
    for path in paths:
        try:
            with open(path, "rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(min(length, _LARGEST_HEADER)))
            for name, entry in header.items():
                if name != "__metadata__":
                    begin, end = entry["data_offsets"]
                    sizes[name] = end - begin
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
            return None
    return sum(sizes.values())


def _saved_bytes(path: str) -> int:
    """Bytes of the tensors in a file that torch saved: a zip archive with one entry a storage; else the file's size."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(entry.file_size for entry in archive.infolist() if "/data/" in entry.filename)
    except (zipfile.BadZipFile, OSError):
        return os.path.getsize(path)


def check_result(conversion: Conversion, title: str, folder: str) -> None:
    """Raises Failure when a converted checkpoint has lost tensors, or was cut unevenly; its rank folders are proven before."""
    tracker = read_tracker(folder)
    if tracker != "release":
        raise Failure(RESULT_MISSING, f"the converter left a wrong tracker in {folder}; got {tracker}; expected release")
    sizes: Dict[str, List[int]] = defaultdict(list)
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "release", "mp_rank_*", RANK_FILE))):
        match = _PIPELINE_RANK.fullmatch(os.path.basename(os.path.dirname(path)))
        sizes["000" if match is None else match.group(1)].append(_saved_bytes(path))
    for stage, ranks in sizes.items():
        if max(ranks) - min(ranks) > _SPREAD_ALLOWED * max(ranks):
            raise Failure(
                RESULT_MISSING,
                f"{title} was cut unevenly: tensor parallel ranks of pipeline stage {int(stage)} hold {min(ranks)} to {max(ranks)} bytes; "
                f"expected equal parts; got {len(ranks)} ranks; choose a tensor parallel size that divides the model's dimensions",
            )
    source = _source_files(conversion)
    wanted = _safetensors_bytes(source) if source and all(path.endswith(".safetensors") for path in source) else None
    written = sum(size for ranks in sizes.values() for size in ranks)
    if wanted is not None and written < (1 - _LOSS_ALLOWED) * wanted:
        raise Failure(
            RESULT_MISSING,
            f"{title} has lost layers: the tensors of all ranks hold {written} bytes; expected at least the source's {wanted}; "
            "the layers of the pipeline stages must add up to the model's layers",
        )
