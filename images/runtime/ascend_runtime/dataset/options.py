"""Arguments of `prepare-dataset`, and what they mean together."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Optional, Tuple

from ..failures import DATASET_UNUSABLE, Failure

# Values of data_dynamic_resolution.json (t2v) and data_i2v.json (i2v) of examples/opensoraplan1.3 in MindSpeed-MM v26.0.0. Without
# min_hxw the video processor takes a quarter of max_hxw.
_MAXIMUM_AREA = {"t2v": 225_280, "i2v": 236_544}
_MINIMUM_AREA = {"t2v": None, "i2v": 102_400}
_TRAIN_FPS = {"t2v": 16.0, "i2v": 18.0}


@dataclass(frozen=True)
class Rules:
    """What decides whether the trainer takes a clip, and into which bucket. Fields speak of upstream's keys of the data file."""

    frames: int
    """`num_frames`: frames of the longest clip."""
    minimum_frames: int
    """`min_num_frames`: frames of the shortest usable clip."""
    context: int
    """What must divide the latent frames: the context parallel size, or `max_cp_size` with dynamic DP/CP."""
    is_static: bool
    """`force_resolution`."""
    maximum_area: int
    """`max_hxw`, pixels; dynamic resolution only."""
    minimum_area: int
    """`min_hxw`, pixels; dynamic resolution only."""
    height: int
    """`max_height`, pixels; static resolution only."""
    width: int
    """`max_width`, pixels; static resolution only."""
    train_fps: float
    speed_factor: float
    drop_short_ratio: float
    stride: int
    """`hw_stride`, pixels."""
    aspect_limit: float
    """`hw_aspect_thr`."""
    latent_stride: int
    """Frames a latent frame: the first of `vae_scale_factor`."""
    keeps_images: bool


@dataclass(frozen=True)
class Options:
    """Everything that the command was asked for."""

    is_features: bool
    data_folder: str
    annotations: Tuple[str, ...]
    output: str
    global_batch_size: int
    keeps_small_buckets: bool
    probes_headers: bool
    threads: int
    restarts: bool
    rules: Rules


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `prepare-dataset`."""
    add = parser.add_argument
    add("--mode", choices=("videos", "features"), default="videos", help="features: check data.jsonl and the .pt files it names")
    add("--task", choices=("t2v", "i2v"), default="t2v", help="whose defaults of area and frame rate hold")
    add("--data-folder", required=True, help="root folder of the videos, or of the features")
    add("--annotation", action="append", required=True, help="annotation file, .json or .jsonl; may be repeated")
    add("--output", required=True, help="folder to write data.txt and the filtered annotations to")
    add("--global-batch-size", type=int, required=True, help="samples a step")
    add("--frames", type=int, default=0, help="frames of the longest clip")
    add("--minimum-frames", type=int, default=0, help="frames of the shortest usable clip")
    add("--context-parallel", type=int, default=1, help="context parallel size, which must divide latent frames")
    add("--dynamic-context", type=int, default=0, help="max_cp_size of dynamic DP/CP; takes the place of the context parallel size")
    add("--resolution", choices=("dynamic", "static"), default="dynamic")
    add("--maximum-area", type=int, default=0, help="dynamic resolution: largest frame in pixels; by default as upstream for the task")
    add("--minimum-area", type=int, default=0, help="dynamic resolution: smallest frame in pixels; by default as upstream for the task")
    add("--height", type=int, default=0, help="static resolution: height in pixels")
    add("--width", type=int, default=0, help="static resolution: width in pixels")
    add("--train-fps", type=float, default=0.0, help="frames a second to resample to; by default 16 for t2v, 18 for i2v")
    add("--speed-factor", type=float, default=1.0, help="speed-up of long clips")
    add("--drop-short-ratio", type=float, default=0.0, help="share of clips below the full length that the trainer drops")
    add("--stride", type=int, default=32, help="what height and width are cut down to multiples of")
    add("--aspect-limit", type=float, default=2.0, help="how far height and width may be from each other")
    add("--latent-stride", type=int, default=4, help="frames a latent frame")
    add("--images", choices=("drop", "keep"), default="drop", help="what to do with entries that are pictures")
    add("--small-buckets", choices=("drop", "keep"), default="drop", help="what to do with clips whose bucket the trainer will drop")
    add("--probe", choices=("headers", "exists"), default="headers", help="how to check files: read their headers, or see that they exist")
    add("--threads", type=int, default=16, help="files checked at once")
    add("--restart", action="store_true", help="begin anew instead of going on where an interrupted run stopped")


def _refuse(text: str) -> Failure:
    return Failure(DATASET_UNUSABLE, text)


def _check_numbers(arguments: argparse.Namespace) -> None:
    if arguments.global_batch_size < 1 or arguments.threads < 1:
        raise _refuse("--global-batch-size and --threads must be at least 1")
    if arguments.mode == "features":
        return
    if not 1 <= arguments.minimum_frames <= arguments.frames:
        raise _refuse(
            f"--minimum-frames must be at least 1 and at most --frames; got {arguments.minimum_frames} and {arguments.frames}"
        )
    if arguments.context_parallel < 1 or arguments.dynamic_context < 0:
        raise _refuse("--context-parallel must be at least 1 and --dynamic-context at least 0")
    if min(arguments.stride, arguments.latent_stride, arguments.aspect_limit, arguments.speed_factor) <= 0:
        raise _refuse("--stride, --latent-stride, --aspect-limit and --speed-factor must be above 0")
    if arguments.resolution == "static" and min(arguments.height, arguments.width) <= 0:
        raise _refuse("static resolution needs --height and --width")


def _rules(arguments: argparse.Namespace) -> Rules:
    maximum: int = arguments.maximum_area or _MAXIMUM_AREA[arguments.task]
    # i2v's own lower limit belongs to its own upper one.
    minimum: Optional[int] = arguments.minimum_area or (None if arguments.maximum_area else _MINIMUM_AREA[arguments.task])
    return Rules(
        frames=arguments.frames,
        minimum_frames=arguments.minimum_frames,
        context=arguments.dynamic_context or arguments.context_parallel,
        is_static=arguments.resolution == "static",
        maximum_area=maximum,
        minimum_area=maximum // 4 if minimum is None else minimum,
        height=arguments.height,
        width=arguments.width,
        train_fps=arguments.train_fps or _TRAIN_FPS[arguments.task],
        speed_factor=arguments.speed_factor,
        drop_short_ratio=arguments.drop_short_ratio,
        stride=arguments.stride,
        aspect_limit=arguments.aspect_limit,
        latent_stride=arguments.latent_stride,
        keeps_images=arguments.images == "keep",
    )


def options_of(arguments: argparse.Namespace) -> Options:
    """The checked options. Raises Failure for values that make no sense."""
    _check_numbers(arguments)
    return Options(
        is_features=arguments.mode == "features",
        data_folder=arguments.data_folder,
        annotations=tuple(arguments.annotation),
        output=arguments.output,
        global_batch_size=arguments.global_batch_size,
        keeps_small_buckets=arguments.small_buckets == "keep",
        probes_headers=arguments.probe == "headers",
        threads=arguments.threads,
        restarts=arguments.restart,
        rules=_rules(arguments),
    )
