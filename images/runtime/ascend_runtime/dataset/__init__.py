"""`prepare-dataset`: judges every clip as the trainer will, keeps the usable ones, and says whether training can start."""

from .command import prepare_dataset
from .options import add_arguments

__all__ = ["add_arguments", "prepare_dataset"]
