#!/usr/bin/env bash
# Builds the program that is given out, in the folder of this script's repository, so that nothing of the machine or the folder is in it:
# packaging/build.sh. Prints its path. CARGO_TARGET_DIR says where it is built, as ever.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export SOURCE_DATE_EPOCH=0 CARGO_INCREMENTAL=0 LC_ALL=C TZ=UTC
# `-ffile-prefix-map` is the same for the C of libdeflate.
export RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=$cargo_home=cargo -C link-arg=-Wl,--build-id=none"
export CFLAGS="-ffile-prefix-map=$PWD=. -ffile-prefix-map=$cargo_home=cargo"
cargo build --locked --profile dist --bin svala >&2
echo "${CARGO_TARGET_DIR:-$PWD/target}/dist/svala"
