#!/bin/sh
# The fast part of what a change must pass.
set -eu
biome ci --error-on-warnings .
tsc --noEmit
node src/cli/generate.ts --check
vitest run --project unit
