"""One HTTP transfer: redirects, tokens, resumption. Knows nothing of hubs."""

from __future__ import annotations

import email.utils
import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, Mapping, Optional

from .failures import DOWNLOAD, INPUT_MISSING, Failure
from .messages import say

ATTEMPTS = 8
_TIMEOUT_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = float(os.environ.get("ASCEND_STACKS_RETRY_SECONDS", "1"))
_LONGEST_PAUSE_SECONDS = 300.0
_REDIRECTS = 10
_WORTH_RETRYING = frozenset({408, 425, 429, 500, 502, 503, 504})
_DENIED = frozenset({401, 403})
_NOT_FOR_HEAD = frozenset({405, 501})


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by hand: the token must not reach another host, and a hub's first answer carries the checksum."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Interrupted(Exception):
    """A transfer that may succeed when it is tried again, at the earliest after some seconds."""

    def __init__(self, message: str, pause_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds


class NoSuchRange(Interrupted):
    """The source's file is shorter than the part that is here."""


class Answer:
    """An open answer. `hints` are the headers of the hops before it, with names in lower case."""

    def __init__(self, response: Any, hints: Mapping[str, str]) -> None:
        self.response = response
        self.status: int = response.status
        self.headers: Dict[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.hints = hints

    def close(self) -> None:
        self.response.close()


def _retry_after(text: Optional[str]) -> float:
    if text is None:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _refuse(url: str, status: int, headers: Any) -> Exception:
    shown = url.partition("?")[0]
    if status in _WORTH_RETRYING:
        return Interrupted(f"{shown} answered {status}", _retry_after(headers.get("Retry-After")))
    if status in _DENIED:
        return Failure(INPUT_MISSING, f"{shown} is not for everybody; got {status}; accept its terms and give a token by the token secret")
    return Failure(INPUT_MISSING, f"{shown} cannot be had; got {status}; expected 200; see the source's address, repository, revision and file")


class Client:
    """Opens addresses through the proxies of the environment, with a token for the source's own host only."""

    def __init__(self, source: str, token: Optional[str]) -> None:
        self._origin = urllib.parse.urlsplit(source)[:2]
        self._token = token
        self._opener = urllib.request.build_opener(_KeepRedirects())

    def _headers(self, url: str, headers: Mapping[str, str]) -> Dict[str, str]:
        own = {"User-Agent": "ascend-stacks", "Accept-Encoding": "identity", **headers}
        if self._token is not None and urllib.parse.urlsplit(url)[:2] == self._origin:
            own["Authorization"] = f"Bearer {self._token}"
        return own

    def open(self, url: str, headers: Mapping[str, str], method: str = "GET") -> Answer:
        """Follows redirects to an answer. Raises Interrupted when it is worth another try, Failure when not."""
        hints: Dict[str, str] = {}
        for _ in range(_REDIRECTS):
            request = urllib.request.Request(url, headers=self._headers(url, headers), method=method)
            try:
                return Answer(self._opener.open(request, timeout=_TIMEOUT_SECONDS), hints)
            except urllib.error.HTTPError as error:
                location = error.headers.get("Location")
                hints.update({name.lower(): value for name, value in error.headers.items()})
                if error.code == 416:
                    raise NoSuchRange(f"{url.partition('?')[0]} has no such range") from error
                if method == "HEAD" and error.code in _NOT_FOR_HEAD:
                    return Answer(error, {})
                if error.code not in (301, 302, 303, 307, 308) or location is None:
                    raise _refuse(url, error.code, error.headers) from None
                error.close()
                url = urllib.parse.urljoin(url, location)
            except (OSError, http.client.HTTPException) as error:
                raise Interrupted(f"{url.partition('?')[0]}: {error}") from error
        raise Failure(INPUT_MISSING, f"{url.partition('?')[0]} redirects without end; see the source's address")


class Patience:
    """Pauses between attempts, longer each time; gives up after several attempts that brought nothing."""

    def __init__(self) -> None:
        self._attempts = 0
        self._farthest = 0

    def progress(self, length: int) -> None:
        """Bytes that are here. More than ever before: the next interruption counts as the first. A source that always ends at the
        same place, and knows no ranges, is given up all the same."""
        if length > self._farthest:
            self._farthest = length
            self._attempts = 0

    def wait(self, interruption: Interrupted) -> None:
        """Pauses before the next attempt. Raises Failure when there have been enough."""
        self._attempts += 1
        if self._attempts >= ATTEMPTS:
            raise Failure(
                DOWNLOAD, f"the download was interrupted {ATTEMPTS} times in a row: {interruption}; what has arrived stays, start the stage again"
            ) from interruption
        pause = max(_FIRST_PAUSE_SECONDS * 2 ** (self._attempts - 1), interruption.pause_seconds)
        pause = min(pause, _LONGEST_PAUSE_SECONDS)
        say(f"{interruption}; trying again in {pause:g} s")
        time.sleep(pause)
