"""Starting the program: environment, process group, signals, output."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from types import FrameType
from typing import Callable, Dict, List, Mapping, Optional, Sequence

from .contract import Launch
from .failures import ENVIRONMENT, Failure
from .iteration_log import IterationLog

_RESOLVE_SECONDS = float(os.environ.get("ASCEND_STACKS_RESOLVE_SECONDS", "1800"))
_CHUNK_BYTES = 1 << 16


def sourced_environment(scripts: Sequence[str], environment: Mapping[str, str]) -> Dict[str, str]:
    """The environment after the first existing CANN script. Variables that the pod sets and the script changes follow the
    script only where it extends them (search paths); the pod's other values stay, for the plan has chosen them."""
    script = next((path for path in scripts if os.path.isfile(path)), None)
    if script is None:
        return dict(environment)
    # Neither start-up files nor a standard input: bash reads ~/.bashrc when that is a socket, and takes itself for a remote shell.
    command = ["bash", "--norc", "--noprofile", "-c", 'source "$1" >&2 && env -0', "bash", script]
    result = subprocess.run(command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if result.returncode != 0:
        words = result.stderr.decode(errors="replace").strip().splitlines()
        raise Failure(ENVIRONMENT, f"the environment script {script} failed with {result.returncode}: {words[-1] if words else 'no message'}")
    sourced: Dict[str, str] = {}
    for entry in result.stdout.decode(errors="surrogateescape").split("\0"):
        name, separator, value = entry.partition("=")
        if separator:
            sourced[name] = value
    for name, value in environment.items():
        if name in sourced and f":{value}:" not in f":{sourced[name]}:":
            sourced[name] = value
    return sourced


def wait_for_master(launch: Launch, say: Callable[[str], None]) -> None:
    """Waits until the master's name can be resolved: its pod may start much later than this one."""
    if launch.nodes == 1 or launch.node_rank == 0:
        return
    deadline = time.monotonic() + _RESOLVE_SECONDS
    announced = 0.0
    while True:
        try:
            socket.getaddrinfo(launch.master_address, int(launch.master_port))
            return
        except OSError as error:
            now = time.monotonic()
            if now >= deadline:
                raise Failure(
                    ENVIRONMENT,
                    f"the master {launch.master_address} cannot be resolved after {_RESOLVE_SECONDS:g} s: {error}; "
                    "see whether the pod with rank 0 was placed",
                ) from error
            if now - announced >= 30 or announced == 0:
                announced = now
                say(f"waiting for the master {launch.master_address}")
            time.sleep(1 if _RESOLVE_SECONDS > 10 else 0.1)


def full_command(launch: Launch, program: Sequence[str]) -> List[str]:
    """The program, behind torchrun when it is distributed. Static rendezvous: restarting is the scheduler's business."""
    if not launch.is_distributed:
        return list(program)
    return [
        "torchrun",
        *("--nproc_per_node", str(launch.npus_per_node)),
        *("--nnodes", str(launch.nodes)),
        *("--node_rank", str(launch.node_rank)),
        *("--master_addr", launch.master_address),
        *("--master_port", launch.master_port),
        *program,
    ]


# Set by schedulers with other meanings than torchrun's: RANK counts nodes or pods there, WORLD_SIZE pods or NPUs, and LOCAL_RANK is a
# list. torchrun sets all four for its workers; nothing that starts before them may take the scheduler's for its own.
_SCHEDULER_RANKS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def without_scheduler_ranks(environment: Mapping[str, str]) -> Dict[str, str]:
    """The environment of the program, once the contract has been read."""
    return {name: value for name, value in environment.items() if name not in _SCHEDULER_RANKS}


def children(parent: int) -> List[int]:
    """Process numbers of a process's direct children."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # The second field is the program's name in parentheses, which may hold anything; the parent follows the state.
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(name))
    return found


def _signal(send: Callable[[int, int], None], target: int, number: int) -> None:
    try:
        send(target, number)
    except ProcessLookupError:
        pass  # It has ended in this moment.


class Stopped(Exception):
    """The pod was asked to stop before the program was started."""


class Program:
    """A running program, whose output passes through unchanged.

    A first SIGTERM reaches the workers of torchrun, else the whole process group; a second one always the group.
    """

    def __init__(self, on_tick: Callable[[], object], tick_seconds: float) -> None:
        self.was_stopped = False
        self.log = IterationLog()
        self._child: Optional["subprocess.Popen[bytes]"] = None
        self._on_tick = on_tick
        self._tick_seconds = tick_seconds
        self._is_torchrun = False
        self._is_stop_passed = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def set_tick(self, on_tick: Callable[[], object]) -> None:
        """What is done every now and then while the program runs."""
        self._on_tick = on_tick

    def _stop(self, number: int, _frame: Optional[FrameType]) -> None:
        self.was_stopped = True
        if self._child is None:
            raise Stopped()
        # torchrun ends its workers 30 s after its own signal, in the middle of a longer save: they get it in its place.
        workers = children(self._child.pid) if self._is_torchrun and not self._is_stop_passed else []
        self._is_stop_passed = True
        if workers:
            for worker in workers:
                _signal(os.kill, worker, number)
        else:
            _signal(os.killpg, self._child.pid, number)

    def run(self, command: Sequence[str], environment: Mapping[str, str], folder: str) -> int:
        """Runs to the end. Returns the exit code, 128 + n when signal n ended it."""
        if shutil.which(command[0], path=environment.get("PATH")) is None:
            raise Failure(ENVIRONMENT, f"the program {command[0]} is not in the image; got PATH={environment.get('PATH', '')}")
        if not os.path.isdir(folder):
            raise Failure(ENVIRONMENT, f"the working directory {folder} is not in the image; set image.workingDirectory")
        self._is_torchrun = os.path.basename(command[0]) == "torchrun"
        try:
            self._child = subprocess.Popen(
                list(command), env=without_scheduler_ranks(environment), cwd=folder, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise Failure(ENVIRONMENT, f"the program {command[0]} cannot be started: {error}") from error
        self._pass_output(self._child)
        code = self._child.wait()
        return 128 - code if code < 0 else code

    def _pass_output(self, child: "subprocess.Popen[bytes]") -> None:
        assert child.stdout is not None
        descriptor = child.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            last_tick = time.monotonic()
            while True:
                if time.monotonic() - last_tick >= self._tick_seconds:
                    last_tick = time.monotonic()
                    self._on_tick()
                if selector.select(self._tick_seconds):
                    data = os.read(descriptor, _CHUNK_BYTES)
                    if not data:
                        return
                    _write_all(sys.stdout.fileno(), data)
                    self.log.feed(data)
                elif child.poll() is not None:
                    # A grandchild may keep the pipe open after the program's end.
                    return


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
