#!/bin/sh
# Installs packages of the operating system: "runtime", what training needs, or "build", what building decord needs besides.
# A prepared list of package sources (sources/os/apt.list, sources/os/yum.repos.d) takes the place of the base image's own.
set -eu
sources=/sources/os

if command -v apt-get >/dev/null; then
  case $1 in
    # The compiler: MindSpeed and Triton compile operators on first use. iproute2: which interface a pod has.
    runtime) packages="ca-certificates g++ gcc git iproute2 libgomp1 make" ;;
    build) packages="bzip2 cmake pkg-config xz-utils zlib1g-dev" ;;
    *) echo "install-packages: runtime or build, not $1" >&2; exit 1 ;;
  esac
  own=""
  [ -f "$sources/apt.list" ] && own="-o Dir::Etc::sourcelist=$sources/apt.list -o Dir::Etc::sourceparts=-"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # lists of words
  apt-get $own update
  # shellcheck disable=SC2086
  apt-get $own install -y --no-install-recommends $packages
  apt-get clean
  # Logs, lists and caches carry the time of the build.
  rm -rf /var/lib/apt/lists/* /var/cache/apt /var/cache/debconf /var/cache/ldconfig/aux-cache \
    /var/lib/dpkg/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
  mkdir -p /var/cache/apt/archives/partial /var/cache/debconf
elif command -v dnf >/dev/null; then
  case $1 in
    runtime) packages="ca-certificates gcc gcc-c++ git iproute libgomp make" ;;
    build) packages="bzip2 cmake pkgconf-pkg-config xz zlib-devel" ;;
    *) echo "install-packages: runtime or build, not $1" >&2; exit 1 ;;
  esac
  own=""
  [ -d "$sources/yum.repos.d" ] && own="--setopt=reposdir=$sources/yum.repos.d"
  # shellcheck disable=SC2086
  dnf $own install -y --setopt=install_weak_deps=False $packages
  dnf clean all
  rm -rf /var/cache/dnf /var/log/dnf* /var/log/hawkey.log /var/cache/ldconfig/aux-cache
else
  echo "install-packages: the base image has neither apt-get nor dnf" >&2
  exit 1
fi
