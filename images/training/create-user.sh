#!/bin/sh
# User and group 1000: the Ascend driver's devices on the host belong to HwHiAiUser with this number, and pods run as it.
set -eu
getent group 1000 >/dev/null || groupadd --gid 1000 HwHiAiUser
getent passwd 1000 >/dev/null || useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash HwHiAiUser
# Backups of the user files carry the time of the build.
rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- /var/log/lastlog /var/log/faillog
