#!/usr/bin/env bash
# The tests of the kernels, scalar and on every level of SIMD that this CPU has, under AddressSanitizer: tests/asan.sh [JOBS]. JOBS generated
# jobs of each kernel and level instead of the tests' own number (6,000).
# (The crate of the kernels forbids `unsafe`; what this may find is in crates that they use, as fearless_simd. Devices aren't opened: drivers aren't ours.)
#
# Needs `rustup toolchain install nightly`. Exit code 75: it isn't there, so nothing was tested.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! rustc +nightly --version >/dev/null 2>&1; then
  echo "AddressSanitizer: NOT TESTED, there is no nightly compiler" >&2
  exit 75
fi
export RUSTFLAGS=-Zsanitizer=address VK_DRIVER_FILES=/nonexistent
[ $# = 0 ] || export SVALA_PROOF_JOBS=$1

# It sees a read beyond the end.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'fn main() { let v = std::hint::black_box(vec![1_u8; 9]); print!("{}", unsafe { *v.as_ptr().add(v.len()) }) }' >"$work/beyond.rs"
rustc +nightly -O "$RUSTFLAGS" -o "$work/beyond" "$work/beyond.rs"
"$work/beyond" >"$work/said" 2>&1 && { echo "AddressSanitizer sees nothing here" >&2; exit 1; }
grep -q 'AddressSanitizer: heap-buffer-overflow' "$work/said"

# With a target named, build scripts and macros are built without it.
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
cargo +nightly test --release --target "$host" -p svala-compute --lib --test equivalence
