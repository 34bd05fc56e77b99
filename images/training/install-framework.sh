#!/bin/sh
# Makes MindSpeed, Megatron-LM and MindSpeed-MM importable from anywhere, repairs upstream's code, and fixes file modes.
set -eu
environment=/opt/ascend-stacks/venv
root=/workspace/MindSpeed-MM
mindspeed=/workspace/MindSpeed
export PYTHONDONTWRITEBYTECODE=1 PIP_NO_INDEX=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# MindSpeed by a path file: its setup.py runs pip for its requirements.txt by itself, past every lock.
site=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "$mindspeed" > "$site/ascend-stacks-mindspeed.pth"

# MindSpeed-MM as its own project file says, in place: it brings mm-convert, and the folder on the path holds Megatron-LM too.
/usr/bin/env python3 -c 'import sys; assert sys.prefix == "'"$environment"'", sys.prefix'
"$environment/bin/python" -c 'import setuptools'
base_python=$("$environment/bin/python" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
"$base_python" -m pip --python "$environment/bin/python" install --no-deps --no-build-isolation --no-compile \
  --config-settings editable_mode=compat --editable "$root"

# Repairs of upstream's code that stages rely on: applied, then verified.
python3 /opt/ascend-stacks/runtime apply-patches --root "$root"
python3 /opt/ascend-stacks/runtime check-patches --root "$root"

# Read-only for the user that trains: nobody repairs a running image by hand.
find "$root" "$mindspeed" /opt/ascend-stacks \( -type d -exec chmod 0755 {} + \) -o \( -type f -perm /0111 -exec chmod 0755 {} + \) \
  -o \( -type f -exec chmod 0644 {} + \)
