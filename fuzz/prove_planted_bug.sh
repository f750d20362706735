#!/usr/bin/env bash
# Shows that the fuzzers find what they are there for: plants two bugs into a copy of the tree and
# requires the targets to fail within a short run. fuzz/prove_planted_bug.sh [RUNS]
#
#   request  an array makes room for as many elements as the count on the wire claims
#   records  a snappy block makes room for as many bytes as its header claims
source "$(dirname "$0")/common.sh"
unset LIMPID_FUZZ_BIN
bin_dir=$target_dir/$host/release
runs=${1:-200000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$(cd "$fuzz_dir/.." && pwd)

mkdir -p "$work/tree/crates" "$work/tree/fuzz"
cp -r "$root/crates/." "$work/tree/crates/"
cp -r "$fuzz_dir"/{Cargo.toml,Cargo.lock,src,targets,corpus} "$work/tree/fuzz/"
# Of the root manifest the crates need only what they inherit.
{
    printf '[workspace]\nmembers = ["crates/*"]\nexclude = ["crates/cli"]\nresolver = "3"\n\n'
    awk '/^\[/ { keep = /^\[workspace\./ } keep' "$root/Cargo.toml"
} >"$work/tree/Cargo.toml"
fuzz_dir=$work/tree/fuzz
src=$work/tree/crates/protocol/src

# plant FILE SED-EXPRESSION: an expression that changes nothing is an error of this script.
plant() {
    sed "$2" "$1" >"$work/planted"
    if cmp -s "$1" "$work/planted"; then
        echo "cannot plant into $(basename "$1"): $2" >&2
        exit 2
    fi
    cp "$work/planted" "$1"
}

plant "$src/codec/reader.rs" 's|if count > left / min_size.max(1) {|if count > i32::MAX as usize {|'
plant "$src/codec/reader.rs" 's|self.charge(count.saturating_mul(size_of::<T>()))?;||'
plant "$src/records/codec/snappy.rs" 's|if size > compressed.len().*{|if size > u32::MAX as usize {|'
plant "$src/records/codec/snappy.rs" 's|if size > limit - start {|if size > u32::MAX as usize {|'
build_targets
"$bin_dir/seeds" "$work/seeds"

# must_find TARGET WHAT
must_find() {
    local name=$1 what=$2 log=$work/$1.log started=$SECONDS
    if run_target "$name" "$name" "$runs" "$work" "$log"; then
        echo "NOT FOUND by $name in $runs runs: $what"
        exit 1
    fi
    local sign='out-of-memory|capacity overflow|allocation-size-too-big|bytes held'
    grep -qE "$sign" "$log" || { echo "$name failed otherwise:"; tail -n 30 "$log"; exit 1; }
    echo "found by $name after $((SECONDS - started)) s: $what"
    grep -m1 -E "$sign" "$log"
}
must_find request "an array count is believed"
must_find records "a snappy length is believed"
