"""What must hold before a stage starts: upstream would train silently wrong, or end with 0, on most of these."""

from __future__ import annotations

from . import artifacts, checkpoints, conversion
from .contract import Contract
from .patches import check_patches


def preflight(contract: Contract) -> None:
    """Raises Failure for the first reason why the stage would fail, or be silently wrong."""
    check_patches(contract.working_directory, contract.patches)
    if contract.conversion is not None:
        conversion.check_source(contract.conversion)
    for item in contract.inputs:
        artifacts.check_input(item)
        if item.layout is not None:
            checkpoints.check_weights(item.title, item.path, item.layout, item.remedy)
    if contract.conversion is not None:
        conversion.check_memory(contract.conversion)
