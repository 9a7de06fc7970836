#!/bin/sh
# Runs as the first process of new network, mount and process namespaces: records itself, mounts what a node has of its own, then waits as init.
# $1 record of this process, $2 the init program, $3 folder of the node (none for the control plane); see mounts.sh for the folder.
set -eu
here=$(dirname "$0")
if [ "${4:-}" != recorded ]; then
  exec "$here/../process/record.sh" "$1" "$0" "$1" "$2" "$3" recorded
fi
[ "$3" = none ] || "$here/mounts.sh" "$3"
mount -t proc proc /proc
[ "$3" = none ] || mount --bind "$3/boot_id" /proc/sys/kernel/random/boot_id
mount --make-rshared /
mv "$1" "$1.ready"
exec "$2"
