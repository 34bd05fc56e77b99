"""`prepare-dataset`: from annotations and a folder of videos to the list that the trainer's data file names.

The trainer drops unusable entries in silence, reads for hours first, ends with a Python error when no bucket is large enough, and
recurses without end when no file can be read. All of that is found out here, within minutes, and said in one report.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import List, Optional, Tuple

from ..artifacts import write_json
from ..failures import DATASET_UNUSABLE, Failure
from .features import check_features, features_refusal, features_text
from .filtering import judge_sources, spool_file, write_usable
from .options import Options, options_of
from .progress import Progress
from .report import Report, large_buckets, refusal, report_json, report_text


def _check_places(options: Options, final: str) -> None:
    for folder in (options.data_folder, final):
        # A line of data.txt is stripped and split at commas.
        if "," in folder or "\n" in folder or folder != folder.strip():
            raise Failure(DATASET_UNUSABLE, f"a folder with a comma or an outer blank cannot stand in data.txt; got {folder!r}; rename it")
    if not os.path.isdir(options.data_folder):
        raise Failure(DATASET_UNUSABLE, f"the data folder is missing; got nothing at {options.data_folder}; set dataset.folder")
    for source in options.annotations:
        if not source.endswith((".json", ".jsonl")):
            raise Failure(DATASET_UNUSABLE, f"an annotation file must end with .json or .jsonl, as the trainer asks; got {source}")
        if not os.path.isfile(source):
            raise Failure(DATASET_UNUSABLE, f"the annotation file is missing; got nothing at {source}; set dataset.annotations")


def _without_repeats(options: Options) -> Tuple[Options, List[str]]:
    """Each annotation file once. Named twice, the trainer would count its clips twice, and ignore the second folder."""
    seen, kept, notes = set(), [], []
    for source in options.annotations:
        real = os.path.realpath(source)
        if real in seen:
            notes.append(f"{source} is named more than once and read once")
        else:
            seen.add(real)
            kept.append(source)
    return replace(options, annotations=tuple(kept)), notes


def _say(text: str) -> None:
    print(text, flush=True)


def _target(number: int, source: str) -> str:
    return f"{number + 1}-{os.path.basename(source).replace(',', '_')}"


def _write(options: Options, final: str, progress: Progress, report: Report) -> None:
    os.makedirs(os.path.join(options.output, "annotations"), exist_ok=True)
    kept = None if options.keeps_small_buckets else large_buckets(report, options)
    lines: List[str] = []
    for number, source in enumerate(options.annotations):
        name = _target(number, source)
        if write_usable(spool_file(progress, number), os.path.join(options.output, "annotations", name), kept) > 0:
            lines.append(f"{options.data_folder},{os.path.join(final, 'annotations', name)}\n")
    with open(os.path.join(options.output, "data.txt"), "w", encoding="utf-8") as file:
        file.writelines(lines)


def _prepare_videos(options: Options, final: str, notes: List[str]) -> None:
    progress = Progress(final, options)
    report = judge_sources(options, progress)
    report.notes += notes
    if 0 < options.rules.drop_short_ratio < 1:
        report.notes.append("the trainer drops short clips at random (drop_short_ratio), so buckets below the full length may hold fewer")
    _say(report_text(report, options))
    os.makedirs(options.output, exist_ok=True)
    write_json(os.path.join(options.output, "report.json"), report_json(report, options))
    failure = refusal(report, options)
    if failure is None:
        _write(options, final, progress, report)
    # After a refusal too: the user will change the videos, and they are to be judged anew.
    progress.remove()
    if failure is not None:
        raise failure


def _check_features(options: Options, notes: List[str]) -> None:
    report = check_features(options)
    report.notes += notes
    _say(features_text(report))
    os.makedirs(options.output, exist_ok=True)
    usable = report.read - sum(report.dropped.values())
    content = {"read": report.read, "usable": usable, "dropped": dict(report.dropped), "examples": report.examples, "notes": report.notes}
    write_json(os.path.join(options.output, "report.json"), content)
    failure = features_refusal(report, options)
    if failure is not None:
        raise failure


def prepare_dataset(arguments: argparse.Namespace, final_output: Optional[str]) -> int:
    """Runs the command. `final_output` is the folder's name once it is finished, which data.txt must speak of."""
    options = options_of(arguments)
    final = final_output or options.output
    _check_places(options, final)
    options, notes = _without_repeats(options)
    for note in notes:
        print(f"ascend: {note}", file=sys.stderr, flush=True)
    if options.is_features:
        _check_features(options, notes)
    else:
        _prepare_videos(options, final, notes)
    return 0
