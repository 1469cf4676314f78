#!/usr/bin/env bash
# Builds the program that is given out, target/dist/svala, of the same bytes in any folder: packaging/build.sh [OPTION OF CARGO BUILD...]
set -euo pipefail
cd "$(dirname "$0")/.."
here=$(pwd -P)
# Panics name source files: with the folder within the source or the crates', not with those of this machine.
CARGO_ENCODED_RUSTFLAGS=$(printf -- '--remap-path-prefix=%s=.\x1f--remap-path-prefix=%s=cargo' "$here" "${CARGO_HOME:-$HOME/.cargo}")
# Code that build scripts write is below the target folder, so that is here too.
export CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR=$here/target
cargo build --locked --profile dist --bin svala "$@"
