#!/usr/bin/env bash
# The whole of posegen in one go, on people made here: data, all stages of training, test
# on people who were not in training, scores against copying the source.
# Needs Python >= 3.11 and the package registry; made for two CPU cores.
# Leaves work_dirs/demo/{comparison.png,table.md,table.json}. When it was stopped, run it
# again: it goes on where it was.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_venv.sh"

config=configs/limbwarp/limbwarp_synthetic-256x192_demo.py
data=data/synthetic-demo
unseen=data/synthetic-demo-unseen
out=work_dirs/demo
again="rm -rf $out $data $unseen && bash tools/demo.sh"
# The people to test on are in a set of their own.
places=(data_root="$data" val_dataloader.dataset.data_root="$unseen"
    test_dataloader.dataset.data_root="$unseen")

make_people() {
    python tools/datasets/make_synthetic.py --size 256x192 --look varied "$@"
}

make_unseen() {
    make_people --out "$unseen" --train-people 0 --test-people 12 --seed 1000
}

make_training() {
    make_people --out "$data" --train-people 60 --test-people 0
}

train() {
    posegen train "$config" --work-dir "$out/train" --resume --cfg-options "${places[@]}"
}

test_on_unseen() {
    rm -rf "$out/results"
    posegen test "$config" "$out/train/fine/latest.pth" --out "$out/results" \
        --work-dir "$out/train" --cfg-options "${places[@]}"
}

evaluate() {
    posegen evaluate --generated limbwarp="$out/results" \
        --real "$unseen/test" --truth "$unseen/truth/test" --copy-source \
        --offline-features --json "$out/table.json"
}

report() {
    python tools/demo/report.py --data "$unseen" --results "$out/results" \
        --scores "$out/table.json" --table "$out/table.md" --out "$out/comparison.png"
}

# step COMMAND TITLE: does it once; a file with its seconds says that it is done.
step() {
    local done="$out/.done/$1" start=$SECONDS
    if [[ -e "$done" ]]; then
        note "$2: there from an earlier run"
        return
    fi
    note "$2"
    "$1"
    echo $((SECONDS - start)) >"$done"
}

summary() {
    local name
    note 'seconds per step (of the run that finished it)'
    for name in make_unseen make_training train test_on_unseen evaluate report; do
        printf '%-16s %5d\n' "$name" "$(cat "$out/.done/$name")"
    done
    note "the demo is complete"
    cat "$out/table.md"
    printf '\npicture  %s\ntable    %s\nmodel    %s\nagain    %s\n' \
        "$out/comparison.png" "$out/table.md" "$out/train/fine/latest.pth" "$again"
}

install_posegen synthetic,offline-features
mkdir -p "$out/.done"
step make_unseen '1/6 making synthetic people to test on'
step make_training '2/6 making other people to train on'
step train '3/6 training all stages'
step test_on_unseen '4/6 testing on people who were not in training'
step evaluate '5/6 scoring against copying the source'
step report '6/6 picture and table'
summary
