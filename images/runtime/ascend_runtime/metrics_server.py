"""A tiny HTTP server beside the training. Whatever its clients do, or if it cannot start at all, the training goes on undisturbed.

Threads are daemons, so none outlives the program; at most a few clients are served at once, each for a few seconds; further ones are
turned away unread. Nothing here touches files, which could hang on a shared volume.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Callable, Optional, Tuple

from .messages import say
from .metrics import CONTENT_TYPE

_CLIENTS = 8
_CLIENT_SECONDS = 5.0
_LONGEST_REQUEST = 16_384


def _listen(port: int) -> socket.socket:
    """Listens on every address of the pod, whichever families it has."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=16)
        except OSError:
            pass  # A taken port is reported below; a node without IPv6 addresses still has the other family.
    return socket.create_server(("", port), backlog=16)


def _request(connection: socket.socket, deadline: float) -> bytes:
    """The request's head; empty when the client does not send one in time."""
    data = b""
    while b"\r\n\r\n" not in data:
        left = deadline - time.monotonic()
        if left <= 0 or len(data) > _LONGEST_REQUEST:
            return b""
        connection.settimeout(left)
        piece = connection.recv(4096)
        if not piece:
            return b""
        data += piece
    return data


class MetricsServer:
    """Serves `/metrics` and `/healthz` until it is closed."""

    def __init__(self, port: int, text: Callable[[], str]) -> None:
        self._text = text
        self._free = threading.BoundedSemaphore(_CLIENTS)
        self._is_closed = False
        self._socket = _listen(port)
        threading.Thread(target=self._accept, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stops listening; waits for nobody."""
        self._is_closed = True
        try:
            # Wakes the thread that waits for clients; closing alone would not.
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                time.sleep(0.05)  # No file descriptor is free, or the client has left; or the server is closed.
                continue
            if not self._free.acquire(blocking=False):
                connection.close()
                continue
            try:
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
            except RuntimeError:  # The pod may start no more threads.
                connection.close()
                self._free.release()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                deadline = time.monotonic() + _CLIENT_SECONDS
                request = _request(connection, deadline)
                if request:
                    connection.settimeout(max(0.1, deadline - time.monotonic()))
                    connection.sendall(self._answer(request))
        except OSError:
            pass  # The client has left, or took too long.
        finally:
            self._free.release()

    def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.partition(b"\r\n")[0].partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        status, kind, body = self._content(method, path)
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + (b"" if method == b"HEAD" else body)

    def _content(self, method: bytes, path: bytes) -> Tuple[str, str, bytes]:
        plain = "text/plain; charset=utf-8"
        if method not in (b"GET", b"HEAD"):
            return "405 Method Not Allowed", plain, b"only GET and HEAD\n"
        if path == b"/metrics":
            return "200 OK", CONTENT_TYPE, self._text().encode()
        if path == b"/healthz":
            return "200 OK", plain, b"ok\n"
        return "404 Not Found", plain, b"/metrics and /healthz are here\n"


def try_to_serve(port: int, text: Callable[[], str]) -> Optional[MetricsServer]:
    """Starts the server; says why and goes on without it when that fails, for a training matters more than its numbers."""
    try:
        return MetricsServer(port, text)
    except (OSError, OverflowError, RuntimeError) as error:
        say(f"the training goes on without metrics: port {port} cannot be listened on: {error}")
        return None
