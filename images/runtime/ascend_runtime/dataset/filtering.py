"""The two passes: judge every entry and set the usable ones aside with their bucket; then write those whose bucket is large enough."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Dict, IO, List, Mapping, Optional, Sequence, Tuple

from .options import Options
from .probing import VideoFacts, inspect_file
from .progress import Announcer, Progress
from .reading import EntryReader
from .report import Report, bucket_name
from .rules import Entry, bucket_of, form_problem, is_image, matched, repaired

_BATCH = 2000

Candidate = Tuple[Entry, List[str]]
"""An entry, set right, and in what."""

# The trainer's reader takes no NaN and no Infinity.
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


class Judge:
    """Judges entries in batches, with the files checked in parallel."""

    def __init__(self, options: Options, report: Report, pool: ThreadPoolExecutor) -> None:
        self._options = options
        self._report = report
        self._pool = pool

    def _inspect(self, entries: Sequence[Entry]) -> List[Tuple[Optional[str], Optional[VideoFacts]]]:
        options = self._options
        return [
            inspect_file(os.path.join(options.data_folder, entry["path"]), options.probes_headers and not is_image(entry))
            for entry in entries
        ]

    def _in_parallel(self, entries: Sequence[Entry]) -> List[Tuple[Optional[str], Optional[VideoFacts]]]:
        share = max(1, -(-len(entries) // self._options.threads))
        parts = [entries[start : start + share] for start in range(0, len(entries), share)]
        return [outcome for part in self._pool.map(self._inspect, parts) for outcome in part]

    def _candidate(self, entry: Any) -> Optional[Candidate]:
        """The entry, if it is usable as far as it tells itself."""
        rules = self._options.rules
        reason = form_problem(entry, rules)
        if reason is None:
            fixed, corrections = repaired(entry, rules)
            bucket, reason = bucket_of(fixed, rules)
            if bucket is not None:
                return fixed, corrections
        self._report.drop(reason or "no bucket", entry.get("path") if isinstance(entry, dict) else None)
        return None

    def _line(self, candidate: Candidate, facts: Optional[VideoFacts]) -> Optional[str]:
        """The entry's line for the second pass; None when its file makes it unusable."""
        rules = self._options.rules
        entry, corrections = candidate
        path = entry["path"]
        if facts is not None:
            true, differences = matched(entry, facts, rules)
            if true is None:
                self._report.drop(differences[0], path)
                return None
            bucket, reason = bucket_of(true, rules)
            if bucket is None:
                self._report.drop(f"{reason} ({', '.join(differences)})", path)
                return None
            entry, corrections = true, corrections + differences
        else:
            bucket, _ = bucket_of(entry, rules)
            assert bucket is not None
        try:
            text = _encoder.encode(entry)
        except ValueError:
            self._report.drop("a number that is not finite", path)
            return None
        for correction in corrections:
            self._report.correct(correction, path)
        name = bucket_name(bucket)
        self._report.buckets[name] += 1
        return f"{name}\t{text}\n"

    def lines(self, entries: Sequence[Any]) -> List[str]:
        """Lines of the usable ones."""
        self._report.read += len(entries)
        candidates = [candidate for candidate in map(self._candidate, entries) if candidate is not None]
        lines: List[str] = []
        for candidate, (problem, facts) in zip(candidates, self._in_parallel([entry for entry, _ in candidates])):
            if problem is not None:
                self._report.drop(problem, candidate[0]["path"])
                continue
            line = self._line(candidate, facts)
            if line is not None:
                lines.append(line)
        return lines


def spool_file(progress: Progress, number: int) -> str:
    """Where the usable entries of a source wait for the second pass."""
    return os.path.join(progress.folder, f"{number}.usable")


def _open_spool(path: str, size: int) -> IO[bytes]:
    """A spool without what came after the last saved state."""
    file = open(path, "r+b" if size > 0 else "wb")
    file.truncate(size)
    file.seek(size)
    return file


def _has_spools(work: Mapping[str, Any], progress: Progress, sources: int) -> bool:
    """Whether what the state speaks of is there: files may have been removed since."""
    finished = [spool_file(progress, number) for number in range(work["source"])]
    current = spool_file(progress, work["source"])
    is_current_there = work["spooled"] == 0 or (os.path.isfile(current) and os.path.getsize(current) >= work["spooled"])
    return work["source"] <= sources and is_current_there and all(os.path.isfile(file) for file in finished)


def _work(progress: Progress, sources: int) -> Dict[str, Any]:
    """Where to begin."""
    work = progress.load()
    if work is None or not _has_spools(work, progress, sources):
        return {"source": 0, "offset": 0, "spooled": 0, "report": Report().to_work()}
    read = work["report"]["read"]
    print(f"ascend: going on after {read} entries that an interrupted run has judged", file=sys.stderr, flush=True)
    return work


def judge_sources(options: Options, progress: Progress) -> Report:
    """The first pass over all sources, from where an interrupted run stopped."""
    work = _work(progress, len(options.annotations))
    report = Report.from_work(work["report"])
    sizes = [os.path.getsize(path) for path in options.annotations]
    first = work["source"]
    announcer = Announcer(sum(sizes), sum(sizes[:first]) + work["offset"], report.read)
    with ThreadPoolExecutor(options.threads) as pool:
        judge = Judge(options, report, pool)
        for number in range(first, len(sizes)):
            is_resumed = number == first
            reader = EntryReader(options.annotations[number], work["offset"] if is_resumed else 0)
            entries = iter(reader)
            with _open_spool(spool_file(progress, number), work["spooled"] if is_resumed else 0) as spool:

                def save(source: int, offset: int) -> None:
                    spool.flush()
                    os.fsync(spool.fileno())
                    spooled = spool.tell() if source == number else 0
                    progress.save({"source": source, "offset": offset, "spooled": spooled, "report": report.to_work()})

                while True:
                    batch = list(islice(entries, _BATCH))
                    if not batch:
                        break
                    # Half of a surrogate pair, which JSON can carry and UTF-8 cannot, becomes a question mark.
                    spool.write("".join(judge.lines(batch)).encode("utf-8", "replace"))
                    offset = reader.offset()
                    if progress.is_due():
                        save(number, offset)
                    announcer.show(sum(sizes[:number]) + offset, report.read, report.usable())
                save(number + 1, 0)
            reader.close()
    return report


def write_usable(spool: str, target: str, kept: Optional["frozenset[str]"]) -> int:
    """The second pass for one source: writes the entries whose bucket is kept (all, when None); returns how many."""
    is_lines = target.endswith(".jsonl")
    names = None if kept is None else frozenset(name.encode() for name in kept)
    count = 0
    with open(spool, "rb") as source, open(target, "wb") as file:
        for line in source:
            name, _, text = line.partition(b"\t")
            if names is not None and name not in names:
                continue
            file.write(text if is_lines else ((b"[\n" if count == 0 else b",\n") + text.rstrip(b"\n")))
            count += 1
        if not is_lines:
            file.write(b"[]\n" if count == 0 else b"\n]\n")
    return count
