"""Annotation files of any size, read one entry at a time in bounded memory, from the beginning or from where a run stopped."""

from __future__ import annotations

import codecs
import json
from typing import Any, IO, Iterator

from ..failures import DATASET_UNUSABLE, Failure

_CHUNK_BYTES = 1 << 20
# No caption is that long; without a limit a file with a lost quotation mark would end up in memory whole.
_LARGEST_ENTRY = 64 << 20

# The trainer reads with orjson, which refuses NaN and Infinity; pandas writes NaN for an absent value, so it is read as one.
_decoder = json.JSONDecoder(parse_constant=lambda _: None)


def _cut_off(path: str, detail: str) -> Failure:
    return Failure(DATASET_UNUSABLE, f"{path} is not valid JSON: {detail}; it may be cut off, fetch it again")


class _Array:
    """Items of a JSON array."""

    def __init__(self, file: IO[bytes], path: str, offset: int) -> None:
        self._file = file
        self._path = path
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._buffer = ""
        self._position = 0
        self._base = offset
        self._is_end = False
        self._is_resumed = offset > 0
        file.seek(offset)

    def offset(self) -> int:
        """Byte position after the last item, in the file."""
        return self._base + len(self._buffer[: self._position].encode())

    def _refill(self) -> bool:
        if self._is_end:
            return False
        if len(self._buffer) - self._position > _LARGEST_ENTRY:
            raise _cut_off(self._path, f"an entry at byte {self.offset()} is longer than {_LARGEST_ENTRY >> 20} MiB")
        data = self._file.read(_CHUNK_BYTES)
        self._is_end = data == b""
        self._base = self.offset()
        self._buffer = self._buffer[self._position :] + self._decode.decode(data, self._is_end)
        self._position = 0
        return not self._is_end

    def _sign(self) -> str:
        """The next character that is no blank; nothing at the end of the file."""
        while True:
            while self._position < len(self._buffer) and self._buffer[self._position] in " \t\r\n\ufeff":
                self._position += 1
            if self._position < len(self._buffer):
                return self._buffer[self._position]
            if not self._refill():
                return ""

    def _item(self) -> Any:
        while True:
            try:
                item, end = _decoder.raw_decode(self._buffer, self._position)
                # A number at the end of the buffer may go on in the next chunk.
                if end == len(self._buffer) and self._refill():
                    continue
            except RecursionError as error:
                raise _cut_off(self._path, f"the entry at byte {self.offset()} is nested too deeply") from error
            except ValueError as error:
                if self._refill():
                    continue
                raise _cut_off(self._path, str(error)) from error
            self._position = end
            return item

    def _begin(self) -> bool:
        """Goes to the first item; False when the list is empty."""
        sign = self._sign()
        if sign != "[":
            hint = "; with one entry a line its name must end with .jsonl" if sign == "{" else ""
            raise Failure(DATASET_UNUSABLE, f"{self._path} holds no JSON list of annotations{hint}")
        self._position += 1
        return self._sign() != "]"

    def _follows(self) -> bool:
        """Goes to the next item; False at the end of the list."""
        sign = self._sign()
        if sign == "":
            raise Failure(DATASET_UNUSABLE, f"{self._path} ends in the middle of the list; it was cut off, fetch it again")
        if sign not in (",", "]"):
            raise _cut_off(self._path, "expected a comma or the end of the list")
        self._position += 1
        return sign == ","

    def __iter__(self) -> Iterator[Any]:
        goes_on = self._follows() if self._is_resumed else self._begin()
        while goes_on:
            if self._sign() == "":
                raise Failure(DATASET_UNUSABLE, f"{self._path} ends in the middle of the list; it was cut off, fetch it again")
            yield self._item()
            goes_on = self._follows()


class _Lines:
    """Items of a file with one JSON value a line."""

    def __init__(self, file: IO[bytes], path: str, offset: int) -> None:
        self._file = file
        self._path = path
        self._offset = offset
        file.seek(offset)

    def offset(self) -> int:
        """Byte position after the last item, in the file."""
        return self._offset

    def __iter__(self) -> Iterator[Any]:
        while True:
            line = self._file.readline(_LARGEST_ENTRY + 1)
            if line == b"":
                return
            start = self._offset
            if len(line) > _LARGEST_ENTRY:
                raise _cut_off(self._path, f"the line at byte {start} is longer than {_LARGEST_ENTRY >> 20} MiB")
            self._offset += len(line)
            text = line.decode("utf-8-sig" if start == 0 else "utf-8").strip()
            if text == "":
                continue
            try:
                item = _decoder.decode(text)
            except (ValueError, RecursionError) as error:
                raise _cut_off(self._path, f"line at byte {start}: {error}") from error
            yield item


class EntryReader:
    """Entries of one annotation file. `offset` is where another reader can go on after the entries that were taken."""

    def __init__(self, path: str, offset: int = 0) -> None:
        self._path = path
        try:
            self._file: IO[bytes] = open(path, "rb", buffering=_CHUNK_BYTES)
        except OSError as error:
            raise Failure(DATASET_UNUSABLE, f"the annotation file {path} cannot be read: {error}") from error
        self._items = (_Lines if path.endswith(".jsonl") else _Array)(self._file, path, offset)

    def offset(self) -> int:
        """Byte position after the last entry."""
        return self._items.offset()

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._items
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(DATASET_UNUSABLE, f"the annotation file {self._path} cannot be read: {error}") from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
