#!/bin/sh
# Starts a command in a session of its own, with no terminal and its output appended to the file $1, and ends at once.
set -eu
log=$1
shift
setsid "$@" < /dev/null >> "$log" 2>&1 &
