"""Makes stand-ins for everything that the training image holds and that is too large or cannot be had here: git repositories in the
layout of MindSpeed, Megatron-LM and MindSpeed-MM, and wheels named torch, torch_npu and so on. Their code does just what the smoke
test looks at. Usage: make_stubs.py <folder of the in-pod runtime> <output folder>; prints the commits as JSON.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from typing import Dict, List

# A local part, so that no index has the same version.
VERSIONS = {
    "torch": "2.7.1+stub",
    "torch_npu": "2.7.1.post4+stub",
    "torchvision": "0.22.1+stub",
    "transformers": "4.57.0+stub",
    "diffusers": "0.30.3+stub",
}

CODE: Dict[str, str] = {
    "torch": "",
    # The real one needs the driver's library; so does this one.
    "torch_npu": "import ctypes\nimport torch\nctypes.CDLL('libascend_hal.so')\n",
    "torchvision": "import torch\n",
    "transformers": "",
    "diffusers": "",
}

MINDSPEED = {
    "mindspeed/__init__.py": "",
    "mindspeed/megatron_adaptor.py": "import torch_npu\n",
    # Like the real one, which asks the network for what its own list names.
    "setup.py": "raise SystemExit('setup.py must not be run: it installs past the lock')\n",
}
MEGATRON = {
    "megatron/__init__.py": "",
    "megatron/training/__init__.py": "import mindspeed.megatron_adaptor\n",
    "tests/left_out.py": "",
}
MINDSPEED_MM = {
    "pyproject.toml": """[project]
name = "mindspeed-mm"
version = "0.1"
dependencies = ["torch==2.7.1", "not-in-any-index"]
[build-system]
requires = ["setuptools >= 65.0"]
build-backend = "setuptools.build_meta"
[tool.setuptools.packages.find]
exclude = ["tests*"]
[project.scripts]
mm-convert = "checkpoint.convert_cli:main"
""",
    "checkpoint/__init__.py": "",
    "checkpoint/convert_cli.py": """import argparse

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("converter", choices=["OpenSoraPlanConverter"])
    parser.parse_args()
""",
    "mindspeed_mm/__init__.py": "",
    "pretrain_sora.py": """import argparse
import torch
import torch_npu
import mindspeed.megatron_adaptor
import megatron.training
import mindspeed_mm

parser = argparse.ArgumentParser()
for name in ("mm-model", "mm-data", "tensor-model-parallel-size", "context-parallel-algo"):
    parser.add_argument("--" + name)
parser.parse_args()
""",
}


def wheel(folder: str, name: str, version: str, code: str) -> None:
    information = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": code,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: stub\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{information}/RECORD"] = "\n".join([*lines, f"{information}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(os.path.join(folder, f"{name}-{version}-py3-none-any.whl"), "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)


def repository(folder: str, name: str, *versions: Dict[str, str]) -> List[str]:
    """A bare repository with one commit after the other, whose hashes depend on the files alone."""
    work, bare = os.path.join(folder, f"{name}.work"), os.path.join(folder, f"{name}.git")
    who = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER") for field, value in
           (("NAME", "stub"), ("EMAIL", "stub@example.com"), ("DATE", "2020-01-01T00:00:00Z"))}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], env=environment, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet", "--initial-branch=main", work)
    commits = []
    for files in versions:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(work, path)), exist_ok=True)
            with open(os.path.join(work, path), "w", encoding="utf-8") as file:
                file.write(text)
        git("-C", work, "add", "--all")
        git("-C", work, "commit", "--quiet", "--no-gpg-sign", "--message", "stub")
        commits.append(git("-C", work, "rev-parse", "HEAD"))
    git("clone", "--quiet", "--bare", work, bare)
    shutil.rmtree(work)
    return commits


def patched_files(runtime: str) -> Dict[str, str]:
    """Files that hold just the words which the runtime's repairs replace."""
    sys.path.insert(0, runtime)
    sys.dont_write_bytecode = True
    from ascend_runtime.patches import PATCHES

    files: Dict[str, str] = {}
    for patch in PATCHES.values():
        for edit in patch.edits:
            text = files.get(edit.file, "")
            missing = edit.occurrences - text.count(edit.old)
            files[edit.file] = text + f"{edit.old}\n" * missing
    return files


def main() -> None:
    runtime, output = sys.argv[1:3]
    wheels, git = os.path.join(output, "wheels"), os.path.join(output, "git")
    for folder in (wheels, git, os.path.join(output, "files"), os.path.join(output, "os")):
        os.makedirs(folder, exist_ok=True)
    for name, version in VERSIONS.items():
        wheel(wheels, name, version, CODE[name])
    whole = {**MINDSPEED_MM, **patched_files(runtime)}
    # A later commit that lacks a module: builds of it must fail, and say which.
    broken = {"mindspeed_mm/__init__.py": "import absent_module\n"}
    good, bad = repository(git, "mindspeed-mm", whole, broken)
    commits = {
        "mindspeed": repository(git, "mindspeed", MINDSPEED)[0],
        "megatron": repository(git, "megatron", MEGATRON)[0],
        "mindspeed-mm": good,
    }
    print(json.dumps({"commits": commits, "broken": bad}))


main()
