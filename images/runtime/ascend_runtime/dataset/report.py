"""What was read, dropped and set right, and which buckets remain: as text, and as report.json."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from ..failures import DATASET_UNUSABLE, Failure
from .buckets import Bucket
from .options import Options

_GLOBAL_BATCHES_NEEDED = 4
_EXAMPLES = 5
_ROWS = 40


def bucket_name(bucket: Bucket) -> str:
    """A bucket as upstream writes it: frames x height x width."""
    return "x".join(str(number) for number in bucket)


def _bucket(name: str) -> Bucket:
    frames, height, width = (int(number) for number in name.split("x"))
    return frames, height, width


@dataclass
class Report:
    """Counts of one run. Examples are paths, a few a reason."""

    read: int = 0
    dropped: "Counter[str]" = field(default_factory=Counter)
    corrected: "Counter[str]" = field(default_factory=Counter)
    buckets: "Counter[str]" = field(default_factory=Counter)
    examples: Dict[str, List[str]] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)

    def note_path(self, reason: str, path: Any) -> None:
        """Keeps a path as an example, if there are few yet."""
        known = self.examples.setdefault(reason, [])
        if len(known) < _EXAMPLES and isinstance(path, str):
            known.append(path)

    def drop(self, reason: str, path: Any) -> None:
        """Counts an entry that is left out."""
        self.dropped[reason] += 1
        self.note_path(reason, path)

    def correct(self, reason: str, path: str) -> None:
        """Counts an entry that was changed."""
        self.corrected[reason] += 1
        self.note_path(reason, path)

    def usable(self) -> int:
        """Entries that fit a bucket, large or small."""
        return sum(self.buckets.values())

    def to_work(self) -> Dict[str, Any]:
        """The counts as JSON, to go on from later."""
        counts = {name: dict(getattr(self, name)) for name in ("dropped", "corrected", "buckets")}
        return {**counts, "read": self.read, "examples": self.examples}

    @staticmethod
    def from_work(work: Dict[str, Any]) -> "Report":
        """The counts that `to_work` kept."""
        counts = {name: Counter(work[name]) for name in ("dropped", "corrected", "buckets")}
        return Report(read=work["read"], examples=work["examples"], **counts)


def needed(options: Options) -> int:
    """Clips that a bucket must hold for the trainer not to drop it."""
    return _GLOBAL_BATCHES_NEEDED * options.global_batch_size


def large_buckets(report: Report, options: Options) -> "frozenset[str]":
    """Names of the buckets that the trainer keeps."""
    return frozenset(name for name, count in report.buckets.items() if count >= needed(options))


def _in_order(report: Report) -> List[Dict[str, Any]]:
    rows = [(*_bucket(name), count) for name, count in report.buckets.items()]
    rows.sort(key=lambda row: (-row[3], row[:3]))
    return [dict(zip(("frames", "height", "width", "clips"), row)) for row in rows]


def report_json(report: Report, options: Options) -> Dict[str, Any]:
    """Content of report.json."""
    least = needed(options)
    rows = [{**row, "needed": least, "isKept": row["clips"] >= least} for row in _in_order(report)]
    return {
        "read": report.read,
        "usable": sum(row["clips"] for row in rows if row["isKept"]),
        "dropped": {reason: count for reason, count in report.dropped.most_common() if count > 0},
        "corrected": {reason: count for reason, count in report.corrected.most_common() if count > 0},
        "inSmallBuckets": sum(row["clips"] for row in rows if not row["isKept"]),
        "buckets": rows,
        "examples": report.examples,
        "notes": report.notes,
    }


def _reason_lines(word: str, counts: "Counter[str]", report: Report) -> List[str]:
    return [
        f"  {word} {count}: {reason}" + (f" (such as {report.examples[reason][0]})" if report.examples.get(reason) else "")
        for reason, count in counts.most_common()
        if count > 0
    ]


def report_text(report: Report, options: Options) -> str:
    """The same for a reader of the log."""
    least = needed(options)
    rows = _in_order(report)
    kept = sum(row["clips"] for row in rows if row["clips"] >= least)
    lines = [f"entries read: {report.read}", f"usable:       {kept}"]
    lines += _reason_lines("dropped", report.dropped, report) + _reason_lines("corrected", report.corrected, report)
    if report.usable() > kept:
        word = "kept" if options.keeps_small_buckets else "dropped"
        lines.append(f"  {word} {report.usable() - kept}: in a bucket that the trainer drops, because it holds fewer than {least} clips")
    lines += [f"note: {note}" for note in report.notes]
    if rows:
        lines.append(f"buckets (a bucket needs {least} clips, 4 × global batch {options.global_batch_size}):")
        lines.append(f"{'frames':>8}{'height':>8}{'width':>8}{'clips':>10}")
        for row in rows[:_ROWS]:
            mark = "" if row["clips"] >= least else f"  too few, {least - row['clips']} more needed"
            lines.append(f"{row['frames']:>8}{row['height']:>8}{row['width']:>8}{row['clips']:>10}{mark}")
    if len(rows) > _ROWS:
        lines.append(f"  … and {len(rows) - _ROWS} smaller ones, see report.json")
    return "\n".join(lines)


def _buckets(count: int) -> str:
    return "1 bucket" if count == 1 else f"{count} buckets"


def refusal(report: Report, options: Options) -> Optional[Failure]:
    """Why training could not start; None when it could."""
    if large_buckets(report, options):
        return None
    least = needed(options)
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.dropped.most_common(3) if count > 0)
    largest = max(report.buckets.items(), key=lambda item: item[1], default=None)
    detail = "" if largest is None else f" in {_buckets(len(report.buckets))}, at most {largest[1]} in one ({largest[0]})"
    return Failure(
        DATASET_UNUSABLE,
        f"training could not start: the trainer drops every bucket (clips of equal frames, height and width) with fewer than {least} "
        f"(4 × global batch {options.global_batch_size}) and ends with \"not enough values to unpack\" when none is left; "
        f"got {report.usable()} usable of {report.read}{detail}{f' (dropped: {reasons})' if reasons else ''}; "
        f"expected at least {least} in one bucket; add videos of that size and length, or lower the global batch",
    )
