"""Filters annotations to the clips that the trainer can use, and writes the list that its data file names.

The trainer drops most of these entries in silence, reads for hours first, and recurses without end when no file can be read.
Rules: mindspeed_mm/data/data_utils/video_processor.py of MindSpeed-MM v26.0.0. Not predicted here: how clips fall into buckets
of frames, height and width after resampling and resizing; the trainer drops buckets with fewer than 4 global batches.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Dict, IO, Iterator, List, Optional, Tuple

from .failures import DATASET_UNUSABLE, Failure

_CHUNK_CHARACTERS = 1 << 20
_BATCH = 2000
_THREADS = 16
_PROGRESS_SECONDS = 5.0
_VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv")
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_GLOBAL_BATCHES_NEEDED = 4
_LOWEST_ASPECT, _HIGHEST_ASPECT = 0.5, 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `prepare-dataset`."""
    parser.add_argument("--data-folder", required=True, help="root folder of the videos")
    parser.add_argument("--annotation", action="append", required=True, help="annotation file, .json or .jsonl; may be repeated")
    parser.add_argument("--output", required=True, help="folder to write data.txt and the filtered annotations to")
    parser.add_argument("--frames", type=int, required=True, help="frames of the longest clip")
    parser.add_argument("--minimum-frames", type=int, required=True, help="frames of the shortest usable clip")
    parser.add_argument("--context-parallel", type=int, required=True, help="context parallel size, which must divide latent frames")
    parser.add_argument("--global-batch-size", type=int, required=True, help="samples a step")
    parser.add_argument("--resolution", choices=("dynamic", "static"), required=True)
    parser.add_argument("--minimum-area", type=int, default=0, help="dynamic resolution: smallest frame, in pixels")
    parser.add_argument("--height", type=int, default=0, help="static resolution: height in pixels")
    parser.add_argument("--width", type=int, default=0, help="static resolution: width in pixels")


@dataclass
class Report:
    """What was kept, and what was dropped for which reason."""

    read: int = 0
    kept: int = 0
    dropped: "Counter[str]" = field(default_factory=Counter)


def _array_items(file: IO[str], path: str) -> Iterator[Any]:
    """Items of a JSON array of any size, in bounded memory."""
    decoder = json.JSONDecoder()
    buffer, position, is_end = "", 0, False
    expects_item = False

    def refill() -> bool:
        nonlocal buffer, position, is_end
        chunk = "" if is_end else file.read(_CHUNK_CHARACTERS)
        is_end = is_end or chunk == ""
        buffer, position = buffer[position:] + chunk, 0
        return chunk != ""

    def skip_blanks() -> str:
        nonlocal position
        while True:
            while position < len(buffer) and buffer[position].isspace():
                position += 1
            if position < len(buffer):
                return buffer[position]
            if not refill():
                return ""

    if skip_blanks() != "[":
        raise Failure(DATASET_UNUSABLE, f"{path} holds no JSON list of annotations")
    position += 1
    while True:
        sign = skip_blanks()
        if sign == "]" and not expects_item:
            return
        if sign == "":
            raise Failure(DATASET_UNUSABLE, f"{path} ends in the middle of the list; it was cut off, fetch it again")
        try:
            item, end = decoder.raw_decode(buffer, position)
            # A number at the end of the buffer may go on in the next chunk.
            if end == len(buffer) and refill():
                continue
        except ValueError as error:
            if refill():
                continue
            raise Failure(DATASET_UNUSABLE, f"{path} is not valid JSON: {error}; it may be cut off, fetch it again") from error
        position = end
        yield item
        sign = skip_blanks()
        if sign not in (",", "]"):
            raise Failure(DATASET_UNUSABLE, f"{path} is not valid JSON: expected a comma or the end of the list; it may be cut off")
        expects_item = sign == ","
        if expects_item:
            position += 1


def _line_items(file: IO[str], path: str) -> Iterator[Any]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise Failure(DATASET_UNUSABLE, f"{path}:{number}: not valid JSON: {error}") from error


def read_entries(path: str) -> Iterator[Any]:
    """Entries of an annotation file, one at a time."""
    try:
        with open(path, encoding="utf-8") as file:
            yield from (_line_items if path.endswith(".jsonl") else _array_items)(file, path)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(DATASET_UNUSABLE, f"the annotation file {path} cannot be read: {error}") from error


def usable_frames(available: int, options: argparse.Namespace) -> Optional[int]:
    """The clip length that the trainer takes: the longest with whole latent frames that the context parallel size divides."""
    for frames in range(min(available, options.frames), options.minimum_frames - 1, -1):
        if (frames - 1) % 4 == 0 and ((frames - 1) // 4 + 1) % options.context_parallel == 0:
            return frames
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _size_reason(height: int, width: int, options: argparse.Namespace) -> Optional[str]:
    aspect = height / width
    if options.resolution == "static":
        aspect /= options.height / options.width
    if not _LOWEST_ASPECT <= aspect <= _HIGHEST_ASPECT:
        return "too narrow or too wide"
    if options.resolution == "dynamic" and height * width < options.minimum_area:
        return "picture too small"
    return None


def drop_reason(entry: Any, options: argparse.Namespace) -> Optional[str]:
    """Why the trainer would drop an entry or stop at it; None when it is usable, as far as the entry itself tells."""
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        return "no path"
    if not entry.get("cap"):
        return "no caption"
    resolution = entry.get("resolution")
    sides = [resolution.get(side) for side in ("height", "width")] if isinstance(resolution, dict) else [None]
    if not all(_is_number(side) and side > 0 for side in sides):
        return "no resolution"
    suffix = os.path.splitext(entry["path"])[1].lower()
    if suffix in _IMAGE_SUFFIXES:
        return _size_reason(sides[0], sides[1], options)
    if suffix not in _VIDEO_SUFFIXES:
        return "unknown file type"
    fps, duration, frames = entry.get("fps"), entry.get("duration"), entry.get("num_frames")
    if not _is_number(fps) or fps <= 0:
        return "no frame rate"
    if not _is_number(frames) and not _is_number(duration):
        return "no duration"
    available = int(frames) if _is_number(frames) else round(fps * duration)
    if usable_frames(available, options) is None:
        return "too few frames"
    return _size_reason(sides[0], sides[1], options)


class _Filter:
    """Filters one annotation file into another, checking files in parallel."""

    def __init__(self, options: argparse.Namespace, report: Report) -> None:
        self.options = options
        self.report = report
        self._announced = time.monotonic()

    def _exists(self, entry: Dict[str, Any]) -> bool:
        path = os.path.join(self.options.data_folder, entry["path"])
        try:
            return os.path.getsize(path) > 0
        except OSError:
            return False

    def _usable(self, entries: List[Any], pool: ThreadPoolExecutor) -> List[Dict[str, Any]]:
        candidates = []
        for entry in entries:
            reason = drop_reason(entry, self.options)
            if reason is None:
                candidates.append(entry)
            else:
                self.report.dropped[reason] += 1
        present = list(pool.map(self._exists, candidates, chunksize=64))
        self.report.dropped["file missing or empty"] += present.count(False)
        self.report.read += len(entries)
        return [entry for entry, there in zip(candidates, present) if there]

    def _announce(self) -> None:
        if time.monotonic() - self._announced >= _PROGRESS_SECONDS:
            self._announced = time.monotonic()
            print(f"ascend: {self.report.read} entries read, {self.report.kept} usable", file=sys.stderr, flush=True)

    def run(self, source: str, target: str) -> int:
        """Writes the usable entries of `source` to `target` in the same form; returns how many."""
        is_lines = target.endswith(".jsonl")
        kept = 0
        batch: List[Any] = []
        with ThreadPoolExecutor(_THREADS) as pool, open(target, "w", encoding="utf-8") as file:

            def flush() -> None:
                nonlocal kept
                for entry in self._usable(batch, pool):
                    file.write("" if is_lines else ("[\n" if kept == 0 else ",\n"))
                    file.write(json.dumps(entry, ensure_ascii=False) + ("\n" if is_lines else ""))
                    kept += 1
                    self.report.kept += 1
                batch.clear()
                self._announce()

            for entry in read_entries(source):
                batch.append(entry)
                if len(batch) >= _BATCH:
                    flush()
            flush()
            if not is_lines:
                file.write("[]\n" if kept == 0 else "\n]\n")
        return kept


def _print_report(report: Report) -> None:
    print(f"entries read: {report.read}")
    print(f"usable:       {report.kept}")
    for reason, count in report.dropped.most_common():
        if count > 0:
            print(f"  dropped {count}: {reason}")
    sys.stdout.flush()


def _check_enough(report: Report, options: argparse.Namespace) -> None:
    needed = _GLOBAL_BATCHES_NEEDED * options.global_batch_size
    if report.kept >= needed:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.dropped.most_common(3) if count > 0)
    raise Failure(
        DATASET_UNUSABLE,
        f"training could not start: the trainer drops every group of equal clips with fewer than {needed} "
        f"(4 × global batch {options.global_batch_size}); got {report.kept} usable of {report.read}"
        f"{f' (dropped: {reasons})' if reasons else ''}; expected at least {needed}; "
        "add videos, or lower the global batch",
    )


def _check_folder(options: argparse.Namespace) -> None:
    if "," in options.data_folder or "," in options.output:
        raise Failure(DATASET_UNUSABLE, f"a folder with a comma cannot stand in data.txt; got {options.data_folder}; rename it")
    if not os.path.isdir(options.data_folder):
        raise Failure(DATASET_UNUSABLE, f"the video folder is missing; got nothing at {options.data_folder}; set dataset.folder")
    if options.resolution == "static" and min(options.height, options.width) <= 0:
        raise Failure(DATASET_UNUSABLE, "static resolution needs --height and --width")


def prepare_dataset(options: argparse.Namespace, final_output: Optional[str]) -> int:
    """Runs the command. `final_output` is the folder's name once it is finished, which data.txt must speak of."""
    _check_folder(options)
    final = final_output or options.output
    report = Report()
    os.makedirs(os.path.join(options.output, "annotations"), exist_ok=True)
    lines: List[Tuple[str, str]] = []
    for number, source in enumerate(options.annotation, 1):
        name = f"{number}-{os.path.basename(source)}"
        if _Filter(options, report).run(source, os.path.join(options.output, "annotations", name)) > 0:
            lines.append((options.data_folder, os.path.join(final, "annotations", name)))
    _print_report(report)
    _check_enough(report, options)
    with open(os.path.join(options.output, "data.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{folder},{annotation}\n" for folder, annotation in lines)
    with open(os.path.join(options.output, "report.json"), "w", encoding="utf-8") as file:
        json.dump({"read": report.read, "usable": report.kept, "dropped": dict(report.dropped), "buckets": "not predicted"}, file, indent=2)
        file.write("\n")
    return 0
