#!/usr/bin/env python3
"""Proves that training can start in this image, as far as that can be seen without an NPU. Standard library only.

Run by the build as its last step, and by hand in any container: python3 /opt/ascend-stacks/smoke_test.py
Not proven here: operators, collective communication and the driver, which need a device.
"""

from __future__ import annotations

import argparse
import glob
import os
import platform
import stat
import struct
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from typing import Callable, List, Sequence, Tuple

CANN_SCRIPTS = ("/usr/local/Ascend/cann/set_env.sh", "/usr/local/Ascend/ascend-toolkit/set_env.sh")
# Libraries that stand in for the driver's while an image is built; a node brings the real ones.
STUB_LIBRARIES = "/usr/local/Ascend/cann*/*/devlib/linux/*"
# In the order of pretrain_sora.py: torch_npu and MindSpeed replace parts of what is imported after them.
MODULES = (
    "torch",
    "torch_npu",
    "torchvision",
    "transformers",
    "diffusers",
    "mindspeed.megatron_adaptor",
    "megatron.training",
    "mindspeed_mm",
    "decord",
)
WIDTH, HEIGHT, FRAMES = 64, 48, 5


class Wrong(Exception):
    """Why the image cannot be used; the message is for whoever builds it."""


def raw_clip(path: str) -> None:
    """Writes an uncompressed AVI: one grey tone a frame, 20 brighter each time. Every build of FFmpeg reads it."""
    picture = WIDTH * HEIGHT * 3

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    def listing(name: bytes, content: bytes) -> bytes:
        return chunk(b"LIST", name + content)

    header = struct.pack("<14I", 40000, picture * 25, 0, 0, FRAMES, 0, 1, picture, WIDTH, HEIGHT, 0, 0, 0, 0)
    stream = b"vids" + b"DIB " + struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, 25, 0, FRAMES, picture, 0, 0, 0, 0, WIDTH, HEIGHT)
    bitmap = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 24, 0, picture, 0, 0, 0, 0)
    headers = listing(b"hdrl", chunk(b"avih", header) + listing(b"strl", chunk(b"strh", stream) + chunk(b"strf", bitmap)))
    frames = b"".join(chunk(b"00db", bytes([20 * (number + 1)]) * picture) for number in range(FRAMES))
    body = headers + listing(b"movi", frames)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(body) + 4) + b"AVI " + body)


DECODE = """
import sys
import decord
reader = decord.VideoReader(sys.argv[1], num_threads=1)
means = [round(float(reader[number].asnumpy().mean())) for number in range(len(reader))]
print(",".join(map(str, means)))
"""

ENCODE = """
import sys
import imageio_ffmpeg
width, height, frames = map(int, sys.argv[2:5])
writer = imageio_ffmpeg.write_frames(sys.argv[1], (width, height), fps=25, codec="libx264", macro_block_size=1)
writer.send(None)
for number in range(frames):
    writer.send(bytes([20 * (number + 1)]) * (width * height * 3))
writer.close()
"""


def child(words: Sequence[str], folder: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Runs a program in the environment of a training: CANN's script sourced, and stub libraries where there is no driver."""
    stubs = [path for path in glob.glob(STUB_LIBRARIES) if platform.machine() in path or not path.endswith(("x86_64", "aarch64"))]
    environment = dict(os.environ)
    if stubs and not os.path.exists("/usr/local/Ascend/driver"):
        environment["LD_LIBRARY_PATH"] = ":".join([*stubs, *filter(None, [environment.get("LD_LIBRARY_PATH")])])
    script = next((path for path in CANN_SCRIPTS if os.path.isfile(path)), None)
    line = 'exec "$@"' if script is None else f'source {script} >/dev/null && exec "$@"'
    return subprocess.run(
        ["bash", "-c", line, "--", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False
    )


def last_words(result: "subprocess.CompletedProcess[str]") -> str:
    lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {result.returncode} and no word"


def check_module(name: str, folder: str) -> None:
    result = child([sys.executable, "-c", f"import {name}"], folder if os.path.isdir(folder) else None)
    if result.returncode != 0:
        raise Wrong(f"module {name} cannot be imported: {last_words(result)}")


def check_program(words: Sequence[str], folder: str, expected: Sequence[str]) -> None:
    result = child(words, folder)
    if result.returncode != 0:
        raise Wrong(f"{' '.join(words)} ended with {result.returncode}: {last_words(result)}")
    missing = [word for word in expected if word not in result.stdout + result.stderr]
    if missing:
        raise Wrong(f"{' '.join(words)} says nothing of {', '.join(missing)}")


def check_version(expectation: str) -> None:
    name, _, wanted = expectation.partition("=")
    try:
        found = metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        raise Wrong(f"package {name} is not installed; the stack lock says {wanted}") from None
    if found != wanted:
        raise Wrong(f"package {name} is {found}; the stack lock says {wanted}")


def check_decoding() -> None:
    expected = [20 * (number + 1) for number in range(FRAMES)]
    with tempfile.TemporaryDirectory() as folder:
        clips = [os.path.join(folder, "raw.avi")]
        raw_clip(clips[0])
        # The compressed clip needs an encoder; the full lock brings one.
        compressed = os.path.join(folder, "h264.mp4")
        encoded = child([sys.executable, "-c", ENCODE, compressed, str(WIDTH), str(HEIGHT), str(FRAMES)])
        if encoded.returncode == 0:
            clips.append(compressed)
        elif "No module named 'imageio_ffmpeg'" not in encoded.stderr:
            raise Wrong(f"no clip can be encoded: {last_words(encoded)}")
        for clip in clips:
            result = child([sys.executable, "-c", DECODE, clip])
            if result.returncode != 0:
                raise Wrong(f"decord cannot decode {os.path.basename(clip)}: {last_words(result)}")
            means = [int(value) for value in result.stdout.split()[-1].split(",")]
            # Encoding loses a little of each tone.
            if len(means) != FRAMES or any(abs(mean - tone) > 4 for mean, tone in zip(means, expected)):
                raise Wrong(f"decord decodes {os.path.basename(clip)} to tones {means} instead of {expected}")


def check_modes(folders: Sequence[str]) -> None:
    for folder in folders:
        if not os.path.isdir(folder):
            raise Wrong(f"folder {folder} is missing")
        for parent, folders_inside, files in os.walk(folder):
            for name in [*folders_inside, *files]:
                path = os.path.join(parent, name)
                status = os.lstat(path)
                if stat.S_ISLNK(status.st_mode):
                    continue
                if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID):
                    raise Wrong(f"{path} has mode {stat.filemode(status.st_mode)}: writable by others, or changes the user")
                if status.st_uid == os.getuid():
                    raise Wrong(f"{path} belongs to the user that trains, who could change it")
                if not os.access(path, os.R_OK):
                    raise Wrong(f"{path} has mode {stat.filemode(status.st_mode)}: user {os.getuid()} cannot read it")


def check_user() -> None:
    if os.getuid() == 0:
        raise Wrong("the image runs as root; it must end with USER 1000:1000")
    if not any(os.path.isfile(path) for path in CANN_SCRIPTS):
        raise Wrong(f"no CANN environment script: neither of {', '.join(CANN_SCRIPTS)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", default="/workspace/MindSpeed-MM", help="where MindSpeed-MM lies")
    parser.add_argument("--home", default="/opt/ascend-stacks", help="where this project's part lies")
    parser.add_argument("--expect", action="append", default=[], metavar="PACKAGE=VERSION", help="version that must be installed")
    parser.add_argument("--module", action="append", default=[], help="check these modules alone, and nothing else")
    options = parser.parse_args()
    runtime = os.path.join(options.home, "runtime")
    modules: Sequence[str] = options.module or MODULES
    checks: List[Tuple[str, Callable[[], None]]] = [
        *((f"version {item}", lambda item=item: check_version(item)) for item in options.expect),
        *((f"import {name}", lambda name=name: check_module(name, options.framework)) for name in modules),
    ]
    if not options.module:
        checks += [
            ("user and CANN", check_user),
            ("decord decodes a clip", check_decoding),
            ("mm-convert", lambda: check_program(["mm-convert", "--help"], options.framework, ["OpenSoraPlanConverter"])),
            (
                "arguments of pretrain_sora.py",
                lambda: check_program(
                    [sys.executable, "pretrain_sora.py", "--help"],
                    options.framework,
                    ["--mm-model", "--mm-data", "--tensor-model-parallel-size", "--context-parallel-algo"],
                ),
            ),
            ("in-pod runtime", lambda: check_program([sys.executable, runtime, "--help"], "/", ["launch", "check"])),
            ("file modes", lambda: check_modes([options.home, options.framework])),
        ]
    wrong = 0
    for title, check in checks:
        started = time.monotonic()
        try:
            check()
            print(f"smoke test: {title}: ok ({time.monotonic() - started:.1f} s)", flush=True)
        except (Wrong, OSError, ValueError, subprocess.TimeoutExpired) as error:
            wrong += 1
            print(f"smoke test: {title}: {error}", file=sys.stderr, flush=True)
    print(f"smoke test: {len(checks) - wrong} passed, {wrong} wrong", flush=True)
    return 0 if wrong == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
