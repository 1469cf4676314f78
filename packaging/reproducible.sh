#!/usr/bin/env bash
# Builds the last commit twice from nothing, in two folders of different length with two CARGO_HOMEs, and compares the programs byte by byte:
# packaging/reproducible.sh [OUTPUT]. Prints their SHA-256; OUTPUT is where the program is put. Fails if they differ.
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Fetched crates are the same whoever fetched them: the lock file has their checksums.
registry=${CARGO_HOME:-$HOME/.cargo}/registry
cargo fetch --locked

programs=()
for folder in "$work/one" "$work/another/longer"; do
  mkdir -p "$folder/source" "$folder/cargo"
  git archive HEAD | tar -x -C "$folder/source"
  mkdir "$folder/cargo/registry"
  cp -r "$registry/index" "$registry/cache" "$folder/cargo/registry/"
  programs+=("$(env -u CARGO_TARGET_DIR CARGO_HOME="$folder/cargo" CARGO_NET_OFFLINE=true "$folder/source/packaging/build.sh")")
done
cmp "${programs[@]}"
sha256sum "${programs[@]}" | sed "s| $work/| |"
[ -z "$output" ] || cp "${programs[0]}" "$output"
