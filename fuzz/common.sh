# Sourced by the scripts beside it. Builds the targets without cargo-fuzz: the flags are those that
# make the compiler count edges for libFuzzer and check every allocation (AddressSanitizer, which
# -malloc_limit_mb needs as well). Comparisons are not traced: that doubles the time of the build
# and of every run, and the seeds know the magic numbers.
set -euo pipefail

fuzz_dir=${fuzz_dir:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-$fuzz_dir/target}
bin_dir=${LIMPID_FUZZ_BIN:-$target_dir/$host/release}
all_targets=(frame request message records)

# Largest input, largest single allocation and largest process that a target may reach. A decoder
# may allocate 64 KiB and 8 bytes per byte of input, decompression 256 KiB: 2 MB leave no room for
# a count that was believed. The timeout is wall time: short ones are met by stalls of a busy machine.
limits=(-max_len=1024 -malloc_limit_mb=2 -rss_limit_mb=1024 -timeout=120)

# LIMPID_FUZZ_BIN names a folder of targets that were built before; nothing is built then.
build_targets() {
    [[ -z ${LIMPID_FUZZ_BIN:-} ]] || return 0
    local flags="--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module"
    flags+=" -Cllvm-args=-sanitizer-coverage-level=3"
    flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
    flags+=" -Cllvm-args=-sanitizer-coverage-pc-table"
    RUSTFLAGS="$flags" cargo +nightly build --quiet --release --target "$host" \
        --manifest-path "$fuzz_dir/Cargo.toml"
}

# run_target NAME LABEL RUNS WORK_FOLDER LOG: seeds are read from the tree and from the folder, new
# inputs go to the folder's corpus of that label.
run_target() {
    local name=$1 label=$2 runs=$3 work=$4 log=$5 folders seeds
    mkdir -p "$work/found/$label" "$work/artifacts"
    folders=("$work/found/$label")
    for seeds in "$work/seeds/$name" "$fuzz_dir/corpus/$name"; do
        [[ ! -d $seeds ]] || folders+=("$seeds")
    done
    ASAN_OPTIONS=detect_leaks=0 "$bin_dir/$name" "${limits[@]}" -runs="$runs" \
        -print_final_stats=1 -artifact_prefix="$work/artifacts/$label-" \
        "${folders[@]}" >"$log" 2>&1
}

executed() {
    sed -n 's/^stat::number_of_executed_units: *//p' "$1" | tail -n 1
}
