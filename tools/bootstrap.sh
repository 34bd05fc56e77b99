#!/bin/sh
# Prints the path of a Node that runs this project: one on PATH, else the pinned one from the tools cache, which is filled from the
# npm registry, else from the official release. Everything but the path goes to standard error.
set -eu
project=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
version=$(cat "$project/.node-version")
oldest_major=24

say() { echo "tools: node $version: $*" >&2; }

if command -v node >/dev/null 2>&1; then
  # Some distributions build a Node that is new enough, but cannot strip types.
  fits="Number(process.versions.node.split('.')[0]) >= $oldest_major && Boolean(process.features.typescript)"
  if [ "$(node -p "$fits" 2>/dev/null)" = true ]; then
    command -v node
    exit 0
  fi
fi

folder="${XDG_CACHE_HOME:-$HOME/.cache}/ascend-stacks/tools/node/$version"
if [ -x "$folder/bin/node" ]; then
  echo "$folder/bin/node"
  exit 0
fi

case "$(uname -s)" in
  Linux) system=linux ;;
  Darwin) system=darwin ;;
  *) say "this system is not supported; install Node $oldest_major or newer"; exit 1 ;;
esac
case "$(uname -m)" in
  x86_64 | amd64) architecture=x64 ;;
  aarch64 | arm64) architecture=arm64 ;;
  *) say "this processor is not supported; install Node $oldest_major or newer"; exit 1 ;;
esac

mkdir -p "$(dirname "$folder")"
# What a killed run left. A live one is done in minutes.
find "$(dirname "$folder")" -maxdepth 1 -name "$version.work-*" -mmin +60 -exec rm -rf {} +
work=$(mktemp -d "$folder.work-XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

# Gives the finished work its name in one step. Whoever comes second throws its own work away.
finish() {
  mkdir -p "$work/final/bin"
  mv "$1" "$work/final/bin/node"
  chmod 755 "$work/final/bin/node"
  "$work/final/bin/node" --version >/dev/null || return 1
  "$work/final/bin/node" -e 'require("fs").renameSync(process.argv[1], process.argv[2])' "$work/final" "$folder" 2>/dev/null || [ -x "$folder/bin/node" ]
  echo "$folder/bin/node"
}

from_npm() {
  command -v npm >/dev/null 2>&1 || return 1
  say "from the npm registry …"
  (cd "$work" && npm pack --silent --fetch-retries=1 --fetch-retry-mintimeout=1000 --pack-destination "$work" "node-$system-$architecture@$version" >/dev/null 2>"$work/npm.log") || return 1
  tar -xzf "$work"/node-*.tgz -C "$work" package/bin/node
  finish "$work/package/bin/node"
}

from_release() {
  command -v curl >/dev/null 2>&1 || return 1
  say "downloading the official release …"
  name="node-v$version-$system-$architecture"
  base="https://nodejs.org/dist/v$version"
  curl -fsSL --connect-timeout 4 -o "$work/sums" "$base/SHASUMS256.txt" || return 1
  curl -fsSL --connect-timeout 4 -o "$work/$name.tar.gz" "$base/$name.tar.gz" || return 1
  wanted=$(grep " $name.tar.gz\$" "$work/sums" | cut -d' ' -f1)
  got=$(if command -v sha256sum >/dev/null 2>&1; then sha256sum "$work/$name.tar.gz"; else shasum -a 256 "$work/$name.tar.gz"; fi | cut -d' ' -f1)
  if [ -z "$wanted" ] || [ "$wanted" != "$got" ]; then
    say "the checksum of the download is wrong"
    return 1
  fi
  tar -xzf "$work/$name.tar.gz" -C "$work" "$name/bin/node"
  finish "$work/$name/bin/node"
}

from_npm || from_release || {
  [ -s "$work/npm.log" ] && tail -n 1 "$work/npm.log" >&2
  say "cannot be had; install Node $oldest_major or newer (or npm, or curl with a way to nodejs.org)"
  exit 1
}
