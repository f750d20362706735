# Sourced by the scripts beside it. Builds the targets without cargo-fuzz: the flags are those that
# make the compiler count edges for libFuzzer and check every access (AddressSanitizer, which
# -malloc_limit_mb needs as well). Comparisons are not traced: that doubles the time of the build
# and of every run, and the seeds know the magic numbers.
#
# LIMPID_FUZZ_SANITIZER=none builds without AddressSanitizer, into a folder of its own: several times
# faster, for millions of runs. What the targets themselves hold is counted either way; what this
# misses is a wrong access in foreign code that is `unsafe` or C, and which nothing else notices.
set -euo pipefail

fuzz_dir=${fuzz_dir:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-$fuzz_dir/target}
[[ ${LIMPID_FUZZ_SANITIZER:-address} == address ]] || target_dir+=/unsanitized
bin_dir=${LIMPID_FUZZ_BIN:-$target_dir/$host/release}
all_targets=(frame request message records disk stored push login)
sanitizer=${LIMPID_FUZZ_SANITIZER:-address}

# Largest input, largest single allocation and largest process that a target may reach. The targets
# themselves count what is held (fuzz/src/allocation.rs); this is for what C holds, and for what would
# be given back at once. The timeout is wall time: short ones are met by stalls of a busy machine.
# LIMPID_FUZZ_LEN lets longer inputs in: slower, but what grows with the input outgrows what is constant.
limits=(-max_len="${LIMPID_FUZZ_LEN:-1024}" -malloc_limit_mb=2 -rss_limit_mb=1024 -timeout=120)

# LIMPID_FUZZ_BIN names a folder of targets that were built before; nothing is built then.
build_targets() {
    [[ -z ${LIMPID_FUZZ_BIN:-} ]] || return 0
    local flags="--cfg fuzzing -Cpasses=sancov-module"
    [[ $sanitizer == none ]] || flags+=" -Zsanitizer=$sanitizer"
    flags+=" -Cllvm-args=-sanitizer-coverage-level=3"
    flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
    flags+=" -Cllvm-args=-sanitizer-coverage-pc-table"
    RUSTFLAGS="$flags" cargo +nightly build --quiet --release --target "$host" \
        --target-dir "$target_dir" \
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

# All executions of which a log tells.
executed() {
    awk '$1 == "stat::number_of_executed_units:" { sum += $2 } END { printf "%d\n", sum }' "$1"
}
