"""Brings files from a hub or a plain mirror into a folder: resumable, checked, and never half there under their own name."""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import posixpath
import re
import shutil
import urllib.parse
from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence

from .failures import ENVIRONMENT, INPUT_MISSING, OUTPUT_UNUSABLE, Failure
from .fetch import fetch, recorded_checksum
from .messages import say
from .transfer import Client, Interrupted, Patience

_GIB = 1 << 30
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_NEXT_PAGE = re.compile(r'<([^>]+)>;\s*rel="?next"?')


@dataclass(frozen=True)
class Wanted:
    """A file to bring: its path in the repository and below the target; checksum (SHA-256) and size in bytes when they are known."""

    path: str
    checksum: Optional[str] = None
    size: Optional[int] = None


def _safe(path: str) -> str:
    if path.startswith("/") or posixpath.normpath(path) != path or path.split("/")[0] == ".." or "\\" in path:
        raise Failure(INPUT_MISSING, f"a file's path must be relative and plain; got {path}; see the source's listing or --file")
    return path


def _named(word: str) -> Wanted:
    path, separator, checksum = word.rpartition("@")
    if not separator:
        return Wanted(_safe(word))
    if not _CHECKSUM.fullmatch(checksum.lower()):
        raise Failure(INPUT_MISSING, f"--file {word} has no SHA-256 behind its @; got {checksum}; expected 64 hexadecimal digits")
    return Wanted(_safe(path), checksum.lower())


def _patiently_read(client: Client, url: str) -> "tuple[List[Dict[str, object]], Optional[str]]":
    patience = Patience()
    while True:
        try:
            answer = client.open(url, {})
            try:
                entries = json.loads(answer.response.read())
            finally:
                answer.close()
            following = _NEXT_PAGE.search(answer.headers.get("link", ""))
            return entries, None if following is None else urllib.parse.urljoin(url, following.group(1))
        except Interrupted as interruption:
            patience.wait(interruption)
        except (OSError, ValueError) as error:
            patience.wait(Interrupted(f"the listing {url.partition('?')[0]} came garbled: {error}"))


def _listed(client: Client, options: argparse.Namespace) -> List[Wanted]:
    """Files of a hub's listing that match a pattern, with the sizes and checksums that it states."""
    revision = urllib.parse.quote(options.revision, safe="")
    url: Optional[str] = f"{options.source.rstrip('/')}/api/models/{options.repository}/tree/{revision}?recursive=1"
    found: List[Wanted] = []
    while url is not None:
        entries, url = _patiently_read(client, url)
        for entry in entries:
            path = str(entry.get("path", ""))
            if entry.get("type") != "file" or not any(fnmatch.fnmatchcase(path, pattern) for pattern in options.pattern):
                continue
            large = entry.get("lfs")
            checksum = large.get("oid") if isinstance(large, dict) else None
            size = entry.get("size")
            found.append(Wanted(_safe(path), str(checksum) if checksum else None, size if isinstance(size, int) else None))
    for pattern in options.pattern:
        if not any(fnmatch.fnmatchcase(wanted.path, pattern) for wanted in found):
            raise Failure(INPUT_MISSING, f"{options.repository} at {options.revision} has no file {pattern}; see its listing on {options.source}")
    return found


def address(options: argparse.Namespace, path: str) -> str:
    """Where a file is."""
    base = options.source.rstrip("/")
    if options.layout == "plain":
        return f"{base}/{urllib.parse.quote(path)}"
    return f"{base}/{options.repository}/resolve/{urllib.parse.quote(options.revision, safe='')}/{urllib.parse.quote(path)}"


def _stated(client: Client, url: str, wanted: Wanted) -> Wanted:
    """Adds size and checksum from the source's headers, as far as it states them."""
    patience = Patience()
    while True:
        try:
            answer = client.open(url, {}, "HEAD")
            answer.close()
            break
        except Interrupted as interruption:
            patience.wait(interruption)
    if answer.status != 200:
        return wanted
    headers = {**answer.headers, **{name: value for name, value in answer.hints.items() if name.startswith("x-linked-")}}
    size = headers.get("x-linked-size") or headers.get("content-length") or ""
    linked = headers.get("x-linked-etag", "").strip('"').lower()
    return replace(
        wanted,
        checksum=wanted.checksum or (linked if _CHECKSUM.fullmatch(linked) else None),
        size=wanted.size if wanted.size is not None else (int(size) if size.isdecimal() else None),
    )


def _check_space(target: str, files: Sequence[Wanted]) -> None:
    arrived = 0
    for wanted in files:
        for name in (wanted.path, f"{wanted.path}.part"):
            path = os.path.join(target, name)
            arrived += os.path.getsize(path) if os.path.isfile(path) else 0
    needed = sum(wanted.size or 0 for wanted in files) - arrived
    free = shutil.disk_usage(target).free
    if needed > free:
        raise Failure(
            OUTPUT_UNUSABLE,
            f"the volume of {target} is too small; got {free / _GIB:.1f} GiB free; expected {needed / _GIB:.1f} GiB for what is still to come; "
            "make room, or make the volume larger",
        )


def _token(options: argparse.Namespace) -> Optional[str]:
    if not options.token_variable:
        return None
    token = os.environ.get(options.token_variable, "").strip()
    if not token:
        raise Failure(ENVIRONMENT, f"the variable {options.token_variable} is empty; expected the hub's token; see the secret that it comes from")
    return token


def download(options: argparse.Namespace) -> int:
    """Runs the command: lists, checks the room, then brings one file after the other."""
    if options.layout == "hub" and not options.repository:
        raise Failure(INPUT_MISSING, "a hub needs --repository owner/name; got none")
    if options.layout == "plain" and options.pattern:
        raise Failure(INPUT_MISSING, f"a plain mirror has no listing; got --pattern {options.pattern[0]}; name each file with --file")
    if not options.file and not options.pattern:
        raise Failure(INPUT_MISSING, "there is nothing to bring; got neither --file nor --pattern")
    client = Client(options.source, _token(options))
    os.makedirs(options.target, exist_ok=True)
    named = [_named(word) for word in options.file]
    paths = {wanted.path for wanted in named}
    listed = [wanted for wanted in (_listed(client, options) if options.pattern else []) if wanted.path not in paths]
    missing = [wanted for wanted in [*named, *listed] if not recorded_checksum(options.target, wanted.path, wanted.checksum)]
    files = [wanted if wanted.size is not None else _stated(client, address(options, wanted.path), wanted) for wanted in missing]
    _check_space(options.target, files)
    say(f"{len(named) + len(listed)} files, {len(files)} to bring, {sum(wanted.size or 0 for wanted in files) / _GIB:.2f} GiB")
    for wanted in files:
        fetch(client, address(options, wanted.path), options.target, wanted.path, wanted.checksum, wanted.size)
    say(f"all files are in {options.target}")
    return 0
