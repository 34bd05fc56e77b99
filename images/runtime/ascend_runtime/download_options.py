"""Arguments of `download`, apart from it: other commands need not load what speaks HTTP."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `download`."""
    parser.add_argument("--source", required=True, help="base address of a hub or mirror, e.g. https://huggingface.co")
    parser.add_argument("--layout", choices=("hub", "plain"), default="hub", help="hub: <source>/<repository>/resolve/<revision>/<path>; plain: <source>/<path>")
    parser.add_argument("--repository", default="", help="owner/name on a hub")
    parser.add_argument("--revision", default="main", help="branch, tag or commit on a hub")
    parser.add_argument("--file", action="append", default=[], metavar="PATH[@SHA256]", help="a file; may be repeated")
    parser.add_argument("--pattern", action="append", default=[], metavar="GLOB", help="files of a hub's listing; may be repeated")
    parser.add_argument("--target", required=True, help="folder to bring the files to")
    parser.add_argument("--token-variable", default="", metavar="NAME", help="environment variable that holds the hub's token")
