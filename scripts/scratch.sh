#!/bin/sh
# Print where the tests' servers keep their data: in memory where that has room, for a server waits
# for the disk at each commit and each new index. A TMPDIR that is set is left as it is.
# Nothing that a test proves needs the disk: they kill processes, not the machine.
set -eu

memory=/dev/shm
wanted_kb=$((6 * 1024 * 1024))

has_room() {
    [ -d $memory ] && [ -w $memory ] || return 1
    [ "$(stat -f -c %T $memory 2>/dev/null)" = tmpfs ] || return 1
    [ "$(df -Pk $memory | awk 'NR == 2 { print $4 }')" -ge $wanted_kb ] || return 1
    [ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -ge $((2 * wanted_kb)) ]
}

if [ -n "${TMPDIR:-}" ]; then
    printf '%s\n' "$TMPDIR"
elif has_room; then
    printf '%s\n' $memory
else
    printf '/tmp\n'
fi
