#!/usr/bin/env bash
# Runs every target RUNS times, and the target `request` RUNS times for each API: all of them a part,
# then all of them the next part, so that an end before time leaves nothing out.
#
#   fuzz/run_all.sh [RUNS]      starts in the background with the lowest priority (default 1000000);
#                               started again it goes on with what is not done yet
#   fuzz/run_all.sh --totals    what has been run so far, and what was found
#
# LIMPID_FUZZ_WORK   where logs, new inputs and crashes go (never into the tree)
# LIMPID_FUZZ_JOBS   how many run at once (default 1)
# LIMPID_FUZZ_PART   runs of a part (default 1000000)
# LIMPID_FUZZ_API    only this API (Kafka's name, for example Produce)
source "$(dirname "$0")/common.sh"
work=${LIMPID_FUZZ_WORK:-${TMPDIR:-/tmp}/limpid-fuzz}

part=${LIMPID_FUZZ_PART:-1000000}

totals() {
    local log sum=0 count least=0 found
    for log in "$work"/logs/*.log; do
        [[ -f $log ]] || continue
        count=$(executed "$log")
        sum=$((sum + count))
        ((least == 0 || count < least)) && least=$count
    done
    for log in "${all_targets[@]}"; do
        [[ $log != request ]] || continue
        count=$(executed "$work/logs/$log.log" 2>/dev/null || true)
        echo "$log: ${count:-0} executions"
    done
    echo "request: $(ls "$work/logs" | grep -c '^request-') APIs"
    echo "in all $sum executions, at least $least each"
    found=$(find "$work/artifacts" -type f 2>/dev/null | wc -l)
    echo "$found findings in $work/artifacts"
    ((found == 0))
}

# one_job LABEL UNTIL: goes on until the log tells of so many executions. A label is a target, or
# `request-API`.
one_job() {
    local label=$1 until=$2 log=$work/logs/$1.log now=$work/$1.now done=0
    [[ ! -f $log ]] || done=$(executed "$log")
    ((done < until)) || return 0
    unset LIMPID_FUZZ_API
    [[ $label != request-* ]] || export LIMPID_FUZZ_API=${label#request-}
    run_target "${label%%-*}" "$label" $((until - done)) "$work" "$now" \
        || echo "$label failed, see $log"
    cat "$now" >>"$log"
    rm "$now"
}

run() {
    mkdir -p "$work/logs"
    exec 9>"$work/lock"
    flock --nonblock 9 || { echo "another run writes to $work"; exit 2; }
    build_targets
    "$bin_dir/seeds" "$work/seeds"
    local jobs=${LIMPID_FUZZ_JOBS:-1} until=0 label labels
    mapfile -t labels < <("$bin_dir/seeds" --requests | sed 's/^/request-/')
    [[ -z ${LIMPID_FUZZ_API:-} ]] || labels=("request-$LIMPID_FUZZ_API")
    for label in "${all_targets[@]}"; do
        [[ $label == request ]] || labels+=("$label")
    done
    while ((until < runs)); do
        until=$((until + part < runs ? until + part : runs))
        for label in "${labels[@]}"; do
            while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
            one_job "$label" "$until" &
        done
        wait
    done
    totals
}

case ${1:-} in
    --totals) totals ;;
    --here) runs=${2:-1000000} && run ;;
    *)
        mkdir -p "$work"
        nohup nice -n 19 "$0" --here "${1:-1000000}" >"$work/run_all.log" 2>&1 &
        echo "process $! writes to $work/run_all.log"
        ;;
esac
