#!/bin/sh
# fetch-git.sh NAME REPOSITORY COMMIT TARGET: the files of one commit, without history.
# From the prepared folder (sources/git/NAME.git) if it is there, else from the first Git host of GIT_HOSTS that has it. Git checks
# every object against its hash, so the commit alone decides the content, wherever it came from.
set -eu
name=$1 repository=$2 commit=$3 target=$4
prepared=${SOURCES:-/sources}/git

HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
# The prepared folder belongs to whoever started the build.
git config --global --add safe.directory '*'
git config --global transfer.fsckObjects false
git config --global advice.detachedHead false
[ -f /run/secrets/ca.crt ] && git config --global http.sslCAInfo /run/secrets/ca.crt

urls_of() { # NAME REPOSITORY
  if [ -d "$prepared/$1.git" ]; then
    echo "file://$prepared/$1.git"
    return
  fi
  for host in $GIT_HOSTS; do echo "$host/$2.git"; done
}

take() { # NAME REPOSITORY COMMIT TARGET
  mkdir -p "$4"
  git -C "$4" init --quiet
  for url in $(urls_of "$1" "$2"); do
    # Not every host gives out a bare commit: then the whole history is the way.
    if git -C "$4" fetch --quiet --depth 1 "$url" "$3" || git -C "$4" fetch --quiet "$url" '+refs/heads/*:refs/remotes/host/*' '+refs/tags/*:refs/tags/*'; then
      if git -C "$4" checkout --quiet --detach "$3" && [ "$(git -C "$4" rev-parse HEAD)" = "$3" ]; then
        echo "$1: $3 from $url"
        return
      fi
    fi
  done
  echo "$1: no source has commit $3; tried: $(urls_of "$1" "$2" | tr '\n' ' ')" >&2
  echo "set other Git hosts, or prepare the folder with: ascend bundle" >&2
  exit 1
}

take "$name" "$repository" "$commit" "$target"

# Submodules: their commits stand in the tree, their place in .gitmodules.
if [ -f "$target/.gitmodules" ] && [ "${SUBMODULES:-}" != "" ]; then
  for path in $SUBMODULES; do
    wanted=$(git -C "$target" ls-tree HEAD "$path" | awk '$2 == "commit" { print $3 }')
    url=$(git config --file "$target/.gitmodules" "submodule.$path.url")
    owner=$(echo "${url%.git}" | awk -F/ '{ print $(NF-1) "/" $NF }')
    take "$(basename "$path")" "$owner" "$wanted" "$target/$path"
    rm -rf "$target/$path/.git"
  done
fi
rm -rf "$target/.git"
