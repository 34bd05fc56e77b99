"""The contract file: what a stage needs, starts and must prove. Its form is `src/pipeline/contract.ts` of this project."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Tuple

from .failures import CONTRACT, ENVIRONMENT, Failure

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Layout:
    """What the folder of one iteration holds: a folder a model rank (format torch), or files by glob pattern (other formats)."""

    rank_folders: Tuple[str, ...] = ()
    files: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Artifact:
    """Something that a stage reads or makes."""

    title: str
    path: str
    required_files: Tuple[str, ...]
    identity: Optional[Mapping[str, Any]]
    layout: Optional[Layout]
    remedy: str
    sources: Tuple[str, ...]
    is_written_in_place: bool


@dataclass(frozen=True)
class Checkpoint:
    """The folder that a training saves to, and the iteration that it must reach."""

    folder: str
    iteration: int
    identity: Mapping[str, Any]
    layout: Layout
    retention: "Optional[Retention]"


@dataclass(frozen=True)
class Retention:
    """Which checkpoints stay: the newest ones, and for good those of iterations that `keep_every` divides."""

    keep_last: int
    keep_every: Optional[int]


@dataclass(frozen=True)
class Conversion:
    """What a conversion of weights reads into memory, and how often."""

    source_path: str
    source_files: Tuple[str, ...]
    copies: int
    memory_setting: str
    is_checkpoint_source: bool


@dataclass(frozen=True)
class Launch:
    """How the program is started on this node."""

    is_distributed: bool
    nodes: int = 1
    npus_per_node: int = 0
    node_rank: int = 0
    master_address: str = ""
    master_port: str = ""


@dataclass(frozen=True)
class Contract:
    """A contract with the values of this node filled in."""

    environment: str
    run: str
    stage: str
    recipe: str
    image: str
    working_directory: str
    environment_scripts: Tuple[str, ...]
    patches: Tuple[str, ...]
    launch: Launch
    inputs: Tuple[Artifact, ...]
    outputs: Tuple[Artifact, ...]
    checkpoint: Optional[Checkpoint]
    conversion: Optional[Conversion]
    metrics_port: Optional[int]


def _resolve(source: Mapping[str, str], name: str, environment: Mapping[str, str]) -> str:
    """A value that is fixed in the contract, or set by the scheduler in a variable of the pod."""
    if "value" in source:
        return source["value"]
    variable = source["variable"]
    if environment.get(variable, "") == "":
        raise Failure(
            ENVIRONMENT,
            f"the variable {variable} is not set; got nothing; expected the {name} from the scheduler; "
            "start this program in a pod of the planned workload",
        )
    return environment[variable]


def _launch(raw: Mapping[str, Any], environment: Mapping[str, str]) -> Launch:
    if raw["kind"] == "process":
        return Launch(is_distributed=False)
    meeting = raw["rendezvous"]
    rank = _resolve(meeting["nodeRank"], "node rank", environment)
    nodes = int(raw["nodes"])
    if not rank.isdecimal() or int(rank) >= nodes:
        raise Failure(ENVIRONMENT, f"the node rank is not one of this stage; got {rank}; expected 0 to {nodes - 1}")
    return Launch(
        is_distributed=True,
        nodes=nodes,
        npus_per_node=int(raw["npusPerNode"]),
        node_rank=int(rank),
        master_address=_resolve(meeting["masterAddress"], "master address", environment),
        master_port=_resolve(meeting["masterPort"], "master port", environment),
    )


def _layout(raw: Mapping[str, Any]) -> Layout:
    layout = Layout(files=tuple(raw["files"])) if "files" in raw else Layout(rank_folders=tuple(raw["rankFolders"]))
    if layout == Layout():
        raise ValueError("a checkpoint layout without ranks and files would prove nothing")
    return layout


def _artifact(raw: Mapping[str, Any]) -> Artifact:
    checkpoint = raw.get("checkpoint")
    return Artifact(
        title=raw["title"],
        path=raw["path"],
        required_files=tuple(raw["requiredFiles"]),
        identity=raw.get("identity"),
        layout=None if checkpoint is None else _layout(checkpoint),
        remedy=raw.get("remedy", ""),
        sources=tuple(raw.get("sources", ())),
        is_written_in_place=raw.get("isWrittenInPlace", False) is True,
    )


def _checkpoint(raw: Mapping[str, Any]) -> Optional[Checkpoint]:
    if raw["kind"] == "outputs":
        return None
    return Checkpoint(
        raw["folder"], int(raw["iteration"]), raw["identity"], _layout(raw), _retention(raw.get("retention"))
    )


def _retention(raw: Optional[Mapping[str, Any]]) -> Optional[Retention]:
    if raw is None:
        return None
    every = raw.get("keepEvery")
    retention = Retention(int(raw["keepLast"]), None if every is None else int(every))
    if retention.keep_last < 1 or (retention.keep_every is not None and retention.keep_every < 1):
        raise ValueError(f"retention {dict(raw)} would keep nothing")
    return retention


def _conversion(raw: Optional[Mapping[str, Any]]) -> Optional[Conversion]:
    if raw is None:
        return None
    return Conversion(
        source_path=raw["sourcePath"],
        source_files=tuple(raw["sourceFiles"]),
        copies=int(raw["copies"]),
        memory_setting=raw["memorySetting"],
        is_checkpoint_source=raw.get("isCheckpointSource", False) is True,
    )


def read_contract(path: str, environment: Mapping[str, str] = os.environ) -> Contract:
    """Reads the contract and fills in this node's values. Raises Failure when it cannot be used."""
    try:
        with open(path, encoding="utf-8") as file:
            raw = json.load(file)
        version = raw["schemaVersion"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(CONTRACT, f"the contract {path} cannot be read: {error!r}; mount the stage's files at that path") from error
    if version != SCHEMA_VERSION:
        raise Failure(
            CONTRACT,
            f"the contract is of another version; got {version}; expected {SCHEMA_VERSION}; "
            "use an image whose runtime is of the same release as the plan",
        )
    try:
        return Contract(
            environment=raw["environment"],
            run=raw["run"],
            stage=raw["stage"],
            recipe=raw["recipe"],
            image=raw["image"],
            working_directory=raw["workingDirectory"],
            environment_scripts=tuple(raw["environmentScripts"]),
            patches=tuple(raw["patches"]),
            launch=_launch(raw["launch"], environment),
            inputs=tuple(_artifact(item) for item in raw["inputs"]),
            outputs=tuple(_artifact(item) for item in raw["outputs"]),
            checkpoint=_checkpoint(raw["success"]),
            conversion=_conversion(raw.get("conversion")),
            metrics_port=None if raw.get("metrics") is None else int(raw["metrics"]["port"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(CONTRACT, f"the contract {path} lacks or garbles a field: {error!r}; render it anew") from error


def first_difference(got: Mapping[str, Any], expected: Mapping[str, Any], prefix: str = "") -> Optional[Sequence[str]]:
    """The first field in which two identities differ, as name, got and expected; None when they are equal."""
    for name in sorted(set(got) | set(expected), key=lambda field: (field == "key", field)):
        left, right = got.get(name), expected.get(name)
        if isinstance(left, dict) and isinstance(right, dict):
            inner = first_difference(left, right, f"{prefix}{name}.")
            if inner is not None:
                return inner
        elif left != right:
            return (f"{prefix}{name}", str(left), str(right))
    return None
