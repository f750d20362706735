#!/usr/bin/env bash
# A short run of every target over the seeds, for `cargo xtask ci`: fuzz/smoke.sh [RUNS]
source "$(dirname "$0")/common.sh"
runs=${1:-20000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build_targets
"$bin_dir/seeds" "$work/seeds"
failed=0
for name in "${all_targets[@]}"; do
    if run_target "$name" "$name" "$runs" "$work" "$work/$name.log"; then
        echo "fuzz $name: $(executed "$work/$name.log") executions, nothing found"
    else
        echo "fuzz $name FAILED"
        tail -n 40 "$work/$name.log"
        for artifact in "$work/artifacts/$name-"*; do
            [[ -f $artifact ]] && echo "input $(basename "$artifact"): $(base64 -w0 "$artifact")"
        done
        failed=1
    fi
done
exit $failed
