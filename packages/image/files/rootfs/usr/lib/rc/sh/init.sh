#!/bin/sh
# In place of OpenRC's, which finds out what there is and mounts it: all that was done by the initramfs. What is left is
# what only we know.
mkdir -p "$RC_SVCDIR" /run/lock /run/nex
chmod 0775 "$RC_SVCDIR" /run/lock
chown root:uucp /run/lock
echo sysinit > "$RC_SVCDIR/softlevel"

# /etc/hosts is a link to this file: the agent writes the names of its tunnels there.
read -r name < /etc/hostname
printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" > /run/nex/hosts
chown nex:nex /run/nex/hosts

# Where the agent asks nex-machine for a new clock and new randomness, and where it is answered.
mkfifo -m 0620 /run/nex/resume
mkfifo -m 0640 /run/nex/resumed
chown root:nex /run/nex/resume /run/nex/resumed
