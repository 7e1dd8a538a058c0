/**
 * What OpenRC's scripts, ours, and a look around by `cat` and `ps` need of BusyBox. Nothing that logs in, serves,
 * downloads or sets up users is linked.
 */
const APPLETS =
  "awk basename cat chgrp chmod chown cp cut date dd df dirname dmesg du echo egrep env expr false fgrep find free grep " +
  "head hexdump hostname id ip kill killall ln ls md5sum mkdir mkfifo mknod mktemp mount mv nproc pgrep pidof printf ps " +
  "pwd readlink realpath rm rmdir sed seq setsid sh sha256sum sleep sort stat stty sync sysctl tail tee test timeout " +
  "touch tr true tty umount uname uniq uptime usleep wc which xargs";

export const BUSYBOX_APPLETS: readonly string[] = APPLETS.split(" ");
