#!/bin/sh
# Builds FFmpeg and, on top of it, decord, on architectures for which decord has no wheel. Leaves FFmpeg's libraries in
# /opt/ascend-stacks/ffmpeg/lib and a wheel in /opt/ascend-stacks/wheels; both are empty where a wheel exists.
set -eu
prefix=/opt/ascend-stacks/ffmpeg
wheels=/opt/ascend-stacks/wheels
mkdir -p "$prefix/lib" "$wheels"
if [ "$(uname -m)" = x86_64 ]; then
  echo "decord: the package index has a wheel for x86_64"
  exit 0
fi

sh /build/install-packages.sh build
work=$(mktemp -d)
archive=ffmpeg-$FFMPEG_VERSION.tar.bz2
if [ -f "/sources/files/$archive" ]; then
  cp "/sources/files/$archive" "$work/$archive"
else
  [ -f /run/secrets/ca.crt ] && export SSL_CERT_FILE=/run/secrets/ca.crt
  python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(sys.argv[1], sys.argv[2])' "$FFMPEG_URL" "$work/$archive"
fi
echo "$FFMPEG_SHA256  $work/$archive" | sha256sum --check --strict -
tar -xf "$work/$archive" -C "$work"

# Only what reads files: no programs, network or devices of this machine, and no library that happens to lie in the base image.
(
  cd "$work/ffmpeg-$FFMPEG_VERSION"
  ./configure --prefix="$prefix" --enable-shared --disable-static --enable-pic --disable-programs --disable-doc \
    --disable-network --disable-autodetect --disable-encoders --disable-muxers --enable-zlib
  make -j"$(nproc)"
  make install
)

SUBMODULES="3rdparty/dlpack 3rdparty/dmlc-core" \
  sh /build/fetch-git.sh decord "$DECORD_REPOSITORY" "$DECORD_COMMIT" "$work/decord"
mkdir "$work/decord/build"
(
  cd "$work/decord/build"
  cmake .. -DUSE_CUDA=0 -DCMAKE_BUILD_TYPE=Release -DFFMPEG_DIR="$prefix" \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON -DCMAKE_INSTALL_RPATH="$prefix/lib"
  make -j"$(nproc)"
)
# The library goes into the wheel beside the Python files.
(cd "$work/decord/python" && PIP_NO_INDEX=1 python3 -m pip wheel --no-deps --no-build-isolation --wheel-dir "$wheels" .)
rm -rf "$work" "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/share"
