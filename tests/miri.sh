#!/usr/bin/env bash
# The packed sequences, the layouts that shaders share, and the scalar reference kernels under miri, which finds undefined behaviour: tests/miri.sh.
# (The crate of the kernels forbids `unsafe`; what it may find is in crates that they use, as bytemuck.) Shaders are parsed by other tests.
#
# Needs `rustup component add miri rust-src --toolchain nightly`. Exit code 75: they aren't there, so nothing was tested.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo +nightly miri --version >/dev/null 2>&1; then
  echo "miri: NOT TESTED, it isn't installed" >&2
  exit 75
fi
export MIRIFLAGS=-Zmiri-disable-isolation
cargo +nightly miri test -p svala-compute --lib -- reference:: layout:: packed:: batch:: --skip shader
cargo +nightly miri test -p svala-map --lib -- sequence:: index::reference:: index::seeds::
