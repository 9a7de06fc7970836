#!/bin/sh
# Gives a node its own directories at the default host paths. $1 is the node's folder; $1/disk outlives a reboot, /run does not.
set -eu
folder=$1
while read -r path; do
  mount --bind "$folder/disk$path" "$path"
done < "$folder/own-paths"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/lock
# A fresh /sys shows this node's interfaces; the cgroup and security trees below it are the machine's.
mkdir -p "$folder/sys"
mount --rbind /sys "$folder/sys"
mount -t sysfs sysfs /sys
for tree in fs/cgroup kernel/security fs/bpf; do
  if mountpoint -q "$folder/sys/$tree"; then mount --rbind "$folder/sys/$tree" "/sys/$tree"; fi
done
umount -R -l "$folder/sys"
