#!/usr/bin/env bash
# The SIMD kernels against the scalar reference with AddressSanitizer, on every level that this CPU has: tests/asan.sh [JOBS].
# Needs a nightly compiler, and minutes to build all again.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTFLAGS="-Zsanitizer=address -Cdebug-assertions" SVALA_PROOF_JOBS=${1:-20000} CARGO_TARGET_DIR=target/asan
for level in portable sse4.2 avx2 avx512; do
  cargo +nightly test --release -p svala-compute --test equivalence --target x86_64-unknown-linux-gnu -- "$level::"
done
