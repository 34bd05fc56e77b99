#!/bin/sh
# Everything a change must pass. One test run at the end, so that one closing line counts all tests.
set -eu
biome ci --error-on-warnings .
tsc --noEmit
node src/cli/generate.ts --check
node tools/install.ts
vitest run
