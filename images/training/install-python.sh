#!/bin/sh
# Makes the Python environment from a lock with hashes: nothing that is not in the lock, nothing of another content.
# Wheels of the prepared folder (sources/wheels) are taken first; an index is asked only for what is not there.
set -eu
environment=/opt/ascend-stacks/venv
lock=/build/requirements/python$PYTHON_VERSION-$(uname -m).txt

found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$found" != "$PYTHON_VERSION" ]; then
  echo "install-python: the base image has Python $found, the build asks for $PYTHON_VERSION" >&2
  exit 1
fi
if [ ! -f "$lock" ]; then
  echo "install-python: there is no lock $(basename "$lock"); known: $(cd /build/requirements && ls python*.txt | tr '\n' ' ')" >&2
  echo "docs/images.md says how to make one" >&2
  exit 1
fi

[ -f /run/secrets/ca.crt ] && export PIP_CERT=/run/secrets/ca.crt
[ -f /run/secrets/pip.conf ] && export PIP_CONFIG_FILE=/run/secrets/pip.conf
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1

# CANN's own Python parts import packages of the base image's interpreter.
python3 -m venv --without-pip --system-site-packages "$environment"
install() { python3 -m pip --python "$environment/bin/python" install --no-compile "$@"; }

# A few packages come as source alone. They are built with what the lock itself holds, not with whatever an index has today.
builders=$(mktemp)
awk '/^[A-Za-z0-9]/ { keep = /^(packaging|setuptools|wheel)==/ } keep' "$lock" > "$builders"
install --require-hashes --no-deps --find-links /sources/wheels --requirement "$builders"
rm "$builders"
install --require-hashes --no-deps --no-build-isolation --find-links /sources/wheels --requirement "$lock"
for wheel in /opt/ascend-stacks/wheels/*.whl; do
  [ -e "$wheel" ] && install --no-deps --no-index "$wheel"
done
if [ "${APEX:-none}" != none ]; then
  install --no-deps --no-index --find-links /sources/wheels "apex==$APEX"
fi
# Compiled here once and for all: pods may have a read-only root, and compiling torch at each start takes long. By hash, for file
# times differ between builds.
"$environment/bin/python" -m compileall -q -j 1 --invalidation-mode unchecked-hash "$environment/lib" || true
