#!/usr/bin/env bash
# Trains a config in several processes, which share each batch's work; see usage below
# and docs/distributed.md.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: [NAME=VALUE ...] bash tools/dist_train.sh CONFIG N [argument of train.py ...]

Trains CONFIG in N processes on this machine: one for each GPU, or on the CPU where
there is none. The batch of the config is that of each process.

  MAX_RESTARTS=3               start all again when one dies, up to 3 times, and go on
                               from the last checkpoint (passes --resume)
  PORT=29500                   instead of a free port
  PYTHON=python3               instead of .venv/bin/python or python

several machines, the same command on each, with a work dir that all of them see:
  NNODES=2 RDZV_ENDPOINT=HOST:PORT                  they find each other at HOST
  NNODES=2 MASTER_ADDR=HOST NODE_RANK=0 PORT=29500  or are numbered, HOST being 0
TEXT
}

# shellcheck source=tools/_dist.sh
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

check_arguments 2 'CONFIG and the number of processes are needed' "$@"
config="$1" count="$2" restarts="${MAX_RESTARTS:-0}"
shift 2
check_file "$config"
[[ "$restarts" =~ ^[0-9]+$ ]] || die "MAX_RESTARTS must be a whole number, got '$restarts'"

if [ "$restarts" != 0 ] && [[ " $* " != *' --resume'* ]]; then
    set -- "$@" --resume
fi
launch "$count" "$restarts" "$repository/tools/train.py" "$config" "$@"
