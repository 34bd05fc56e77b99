"""Training from features: data.jsonl and the .pt files that it names.

Source: FeatureDataset and MMBaseDataset of MindSpeed-MM v26.0.0: `file` of every line is joined to the data folder and loaded with
torch.load. Nothing is caught there, so one missing file ends the training.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, List, Optional

from ..failures import DATASET_UNUSABLE, Failure
from .options import Options
from .probing import MISSING
from .progress import Announcer
from .reading import EntryReader
from .report import Report

_BATCH = 2000
_ZIP_START = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
# The end record of a zip archive and its longest comment.
_ZIP_END_BYTES = 22 + 65_535


def _tensor_problem(path: str) -> Optional[str]:
    """Why torch.load would fail on a file; None when it looks whole. torch.save writes zip archives since 1.6."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                return MISSING
            if file.read(4) != _ZIP_START:
                return "no file of torch.save"
            file.seek(max(0, size - _ZIP_END_BYTES))
            return None if _ZIP_END in file.read() else "cut off"
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError):
        return MISSING
    except OSError as error:
        return f"unreadable file: {error.strerror}"


def _problem(item: Any, folder: str) -> Optional[str]:
    if not isinstance(item, dict) or not isinstance(item.get("file"), str):
        return "no file named"
    if not item["file"].endswith(".pt"):
        return "unknown file type"
    return _tensor_problem(os.path.join(folder, item["file"]))


def _count_files(folder: str) -> int:
    """Feature files of the folder and of those in it."""
    return sum(name.endswith(".pt") for _, _, names in os.walk(folder) for name in names)


def check_features(options: Options) -> Report:
    """Checks every line. The report's bucket is one: features are not sorted by size."""
    report = Report()
    total = sum(os.path.getsize(path) for path in options.annotations)
    announcer = Announcer(total, 0, 0)
    before = 0
    with ThreadPoolExecutor(options.threads) as pool:
        for source in options.annotations:
            reader = EntryReader(source)
            items = iter(reader)
            while True:
                batch: List[Any] = list(islice(items, _BATCH))
                if not batch:
                    break
                report.read += len(batch)
                for item, problem in zip(batch, pool.map(lambda item: _problem(item, options.data_folder), batch)):
                    if problem is not None:
                        report.drop(problem, item.get("file") if isinstance(item, dict) else None)
                announcer.show(before + reader.offset(), report.read, report.read - sum(report.dropped.values()))
            before += reader.offset()
            reader.close()
    files = _count_files(options.data_folder)
    if report.read > files:
        report.notes.append(
            f"{report.read} lines name {files} files at most: videos of one name in different folders overwrite each other's features"
        )
    return report


def features_text(report: Report) -> str:
    """The report for a reader of the log."""
    lines = [f"features listed: {report.read}", f"usable:          {report.read - sum(report.dropped.values())}"]
    for reason, count in report.dropped.most_common():
        lines.append(f"  unusable {count}: {reason} (such as {', '.join(report.examples[reason][:1]) or 'a line without a name'})")
    return "\n".join(lines + [f"note: {note}" for note in report.notes])


def features_refusal(report: Report, options: Options) -> Optional[Failure]:
    """Why training could not start; None when it could."""
    dropped = sum(report.dropped.values())
    if dropped > 0:
        reasons = ", ".join(f"{count} {reason}" for reason, count in report.dropped.most_common(3))
        return Failure(
            DATASET_UNUSABLE,
            f"training from features would end at the first file that it cannot load; got {dropped} unusable of {report.read} "
            f"({reasons}); expected none; run the feature extraction again",
        )
    if report.read < options.global_batch_size:
        return Failure(
            DATASET_UNUSABLE,
            f"training could not start: there are fewer features than one global batch; got {report.read}; "
            f"expected at least {options.global_batch_size}; extract more, or lower the global batch",
        )
    return None
