"""Entry of the in-pod runtime: `python3 <this folder> launch|check|prepare-dataset …`."""

import sys

from ascend_runtime.main import main

sys.exit(main(sys.argv[1:]))
