"""Small repairs of MindSpeed-MM's code, as data: the image applies them when it is built, preflight proves that they are there.

Reference rows are those of this project's list of upstream's defects: section and row. Every repair names the few words that it
replaces, so that a changed upstream is noticed instead of garbled.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from .failures import ENVIRONMENT, Failure
from .messages import say

UPSTREAM_VERSION = "v26.0.0"
_INDENT = "\n        "


@dataclass(frozen=True)
class Edit:
    """Words that are replaced wherever they stand in a file; `occurrences` says how often that must be."""

    file: str
    old: str
    new: str
    occurrences: int = 1


@dataclass(frozen=True)
class Patch:
    """One repair. `reason` says what happens without it, `reference` where the defect is written down."""

    name: str
    reason: str
    reference: str
    edits: Tuple[Edit, ...]


_PIPELINE = "mindspeed_mm/tasks/inference/pipeline/opensoraplan_pipeline.py"
_SPARSE_DIT = "mindspeed_mm/models/predictor/dits/video_dit_sparse.py"
_CLIPS = "mindspeed_mm/data/datasets/t2v_dataset.py"
_FEATURES = "mindspeed_mm/tools/feature_extraction/get_sora_feature.py"
_MASK = "origin_video_mask = video_mask.clone().detach().to(self.dtype)"
_READ = "data = future.result(timeout=self.timeout)"
_RETRY = "return self.__getitem__(np.random.randint(0, self.__len__() - 1))"
_DEEPER = "\n            "

PATCHES: Dict[str, Patch] = {
    patch.name: patch
    for patch in (
        Patch(
            name="i2v-inference-guidance",
            reason="image-to-video inference ends with a NameError: the masked-pixel helper uses a name of its caller",
            reference="3.7 row 12",
            edits=(
                Edit(
                    _PIPELINE,
                    "do_classifier_free_guidance = guidance_scale > 1.0",
                    "do_classifier_free_guidance = self.is_guided = guidance_scale > 1.0",
                ),
                Edit(
                    _PIPELINE,
                    "* 2) if do_classifier_free_guidance else mask",
                    "* 2) if self.is_guided else mask",
                    occurrences=2,
                ),
            ),
        ),
        Patch(
            name="feature-training-without-mask",
            reason="training from extracted features ends with an AttributeError: features carry no video mask, and all frames count",
            reference="3.7 row 10",
            edits=(
                Edit(
                    _SPARSE_DIT,
                    _MASK,
                    f"if video_mask is None:{_INDENT}    whole_length = int(frames) * self.patch_size_t * mpu.get_context_parallel_world_size()"
                    f"{_INDENT}    video_mask = torch.ones((batch_size, whole_length, h, w), device=latents.device){_INDENT}{_MASK}",
                ),
            ),
        ),
        Patch(
            name="unreadable-dataset-ends",
            reason="a dataset of which no file can be read is tried for ever, and a dataset of one sample cannot be retried at all",
            reference="4.6, last paragraph",
            edits=(
                Edit(_CLIPS, _READ, f"{_READ}; self.failures_in_a_row = 0"),
                Edit(
                    _CLIPS,
                    _RETRY,
                    f'self.failures_in_a_row = getattr(self, "failures_in_a_row", 0) + 1{_DEEPER}if self.failures_in_a_row > 100:{_DEEPER}'
                    f'    raise RuntimeError("100 samples in a row cannot be read; the last error was: " + repr(e)) from e{_DEEPER}'
                    "return self.__getitem__(np.random.randint(0, self.__len__()))",
                ),
            ),
        ),
        Patch(
            name="feature-names-by-folder",
            reason="features of videos that have the same name in different folders overwrite each other",
            reference="4.7, first row",
            edits=(
                Edit(_FEATURES, "import copy", "import copy\nimport hashlib"),
                Edit(
                    _FEATURES,
                    "base_name = os.path.basename(file_path)",
                    "base_name = hashlib.sha256(os.path.dirname(file_path).encode()).hexdigest()[:8]"
                    ' + "_" + os.path.basename(file_path)',
                ),
            ),
        ),
    )
}


def find_patches(names: Sequence[str]) -> List[Patch]:
    """Patches by name. Raises Failure for a name that this release does not know."""
    for name in names:
        if name not in PATCHES:
            raise Failure(
                ENVIRONMENT,
                f"there is no patch {name}; got {name}; expected one of {', '.join(PATCHES)}; "
                "use an image whose runtime is of the same release as the plan",
            )
    return [PATCHES[name] for name in names]


def _read(root: str, file: str, patch: Patch) -> str:
    path = os.path.join(root, file)
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return stream.read()
    except (OSError, ValueError) as error:
        raise Failure(
            ENVIRONMENT, f"patch {patch.name} cannot read {path}: {error}; expected MindSpeed-MM {UPSTREAM_VERSION} in {root}"
        ) from error


def _is_applied(text: str, edit: Edit, patch: Patch, root: str) -> bool:
    """Whether the new words stand there. Raises Failure when neither the old nor the new ones do as often as they should."""
    new = text.count(edit.new)
    if new == edit.occurrences:
        return True
    old = text.count(edit.old)
    if new == 0 and old == edit.occurrences:
        return False
    raise Failure(
        ENVIRONMENT,
        f"patch {patch.name} does not fit {os.path.join(root, edit.file)}; got the old words {old} times and the new ones {new} times; "
        f"expected either {edit.occurrences} times; use MindSpeed-MM {UPSTREAM_VERSION}, or leave the patch out if it is mended there",
    )


def is_applied(root: str, patch: Patch) -> bool:
    """Whether the whole repair is in the code below `root`. Raises Failure when the code is of neither form."""
    return all([_is_applied(_read(root, edit.file, patch), edit, patch, root) for edit in patch.edits])


def _replace(path: str, text: str) -> None:
    temporary = f"{path}.{uuid.uuid4().hex}.new"
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        os.chmod(temporary, os.stat(path).st_mode & 0o7777)
        os.replace(temporary, path)
    except OSError as error:
        raise Failure(ENVIRONMENT, f"{path} cannot be written: {error}; apply patches while the image is built") from error


def apply_patches(root: str, names: Sequence[str]) -> None:
    """Applies patches (all when no names are given); one that is there already stays as it is. Nothing is written when one does not fit."""
    changed: Dict[str, str] = {}
    lines: List[str] = []
    for patch in find_patches(names or tuple(PATCHES)):
        is_done = True
        for edit in patch.edits:
            text = changed.get(edit.file) or _read(root, edit.file, patch)
            if not _is_applied(text, edit, patch, root):
                changed[edit.file] = text.replace(edit.old, edit.new)
                is_done = False
        lines.append(f"patch {patch.name}: {'was there already' if is_done else 'applied'}")
    for file, text in changed.items():
        _replace(os.path.join(root, file), text)
    for line in lines:
        say(line)


def check_patches(root: str, names: Sequence[str]) -> None:
    """Raises Failure unless the code below `root` carries every patch."""
    for patch in find_patches(names):
        if not is_applied(root, patch):
            raise Failure(
                ENVIRONMENT,
                f"the image lacks patch {patch.name}; got MindSpeed-MM in {root} without it; without it, {patch.reason}; "
                f"run `python3 <runtime folder> apply-patches --root {root}` when the image is built",
            )
