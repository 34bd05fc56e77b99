"""What the runtime says while it works: lines on standard error, marked with its name."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Prints one line at once."""
    print(f"ascend: {line}", file=sys.stderr, flush=True)
