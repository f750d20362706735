#!/usr/bin/env bash
# Runs every target RUNS times, and the target `request` RUNS times for each API.
#
#   fuzz/run_all.sh [RUNS]      starts in the background with the lowest priority (default 1000000);
#                               started again it goes on with what is not done yet
#   fuzz/run_all.sh --totals    what has been run so far, and what was found
#
# LIMPID_FUZZ_WORK   where logs, new inputs and crashes go (never into the tree)
# LIMPID_FUZZ_JOBS   how many run at once (default 1)
# LIMPID_FUZZ_API    only this API (Kafka's name, for example Produce)
source "$(dirname "$0")/common.sh"
work=${LIMPID_FUZZ_WORK:-${TMPDIR:-/tmp}/limpid-fuzz}

totals() {
    local log sum=0 count least=0 found
    for log in "$work"/logs/*.log; do
        [[ -f $log ]] || continue
        count=$(executed "$log")
        [[ -n $count ]] || { echo "not finished: $(basename "$log" .log)"; continue; }
        sum=$((sum + count))
        ((least == 0 || count < least)) && least=$count
    done
    for log in frame message records; do
        count=$(executed "$work/logs/$log.log" 2>/dev/null || true)
        echo "$log: ${count:-0} executions"
    done
    echo "request: $(ls "$work/logs" | grep -c '^request-') APIs"
    echo "in all $sum executions, at least $least each"
    found=$(find "$work/artifacts" -type f 2>/dev/null | wc -l)
    echo "$found findings in $work/artifacts"
    ((found == 0))
}

# one_job NAME [API]: skipped if its log says that it was done.
one_job() {
    local name=$1 api=${2:-} label=$1
    [[ -z $api ]] || label=$1-$api
    local log=$work/logs/$label.log
    [[ ! -f $log || $(executed "$log") -lt $runs ]] || return 0
    LIMPID_FUZZ_API=$api
    [[ -n $api ]] && export LIMPID_FUZZ_API || unset LIMPID_FUZZ_API
    run_target "$name" "$label" "$runs" "$work" "$log" || echo "$label failed, see $log"
}

run() {
    mkdir -p "$work/logs"
    exec 9>"$work/lock"
    flock --nonblock 9 || { echo "another run writes to $work"; exit 2; }
    build_targets
    "$bin_dir/seeds" "$work/seeds"
    local jobs=${LIMPID_FUZZ_JOBS:-1} api apis
    mapfile -t apis < <("$bin_dir/seeds" --requests)
    [[ -z ${LIMPID_FUZZ_API:-} ]] || apis=("$LIMPID_FUZZ_API")
    for api in "${apis[@]}" ""; do
        while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
        if [[ -n $api ]]; then one_job request "$api" & fi
    done
    for api in frame message records; do
        while (($(jobs -rp | wc -l) >= jobs)); do wait -n || true; done
        one_job "$api" &
    done
    wait
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
