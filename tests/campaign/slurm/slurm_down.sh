#!/usr/bin/env bash
# Stops what slurm_up.sh STATE_DIR started, by its pid files.
S=$(realpath -m "$1"); shopt -s nullglob
stop() { local p; p=$(cat "$1" 2>/dev/null) || return 0; kill "$p" 2>/dev/null || return 0
         for _ in $(seq 50); do kill -0 "$p" 2>/dev/null || return 0; sleep 0.1; done; kill -9 "$p" 2>/dev/null; }
for f in "$S"/slurmd.*.pid "$S/slurmctld.pid" "$S/munge/pid"; do stop "$f"; done
exit 0
