#!/usr/bin/env bash
# Runs all fuzz targets, or those that are named, one after another: fuzz/run.sh [SECONDS] [TARGET...]
#
# Prints a row of a table for each. Ends with an error if a target finds something, which is then in fuzz/artifacts: a panic, an overflow of
# numbers, a memory error, an input that takes 10 s, one allocation of more than 64 MB, or 2 GB in all. Needs cargo-fuzz and a nightly compiler.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-600}
shift || true
[ $# -gt 0 ] || set -- fastq unaligned_bam bam_file cram header fasta option_values sample_sheet command_line index_file

cargo +nightly fuzz build --fuzz-dir . --features program
programs=target/x86_64-unknown-linux-gnu/release
"$programs/seeds"
status=0
echo "| target | executions | seconds | edges covered | inputs kept | slowest | peak memory | findings |"
echo "|---|---:|---:|---:|---:|---:|---:|---|"
for target in "$@"; do
  mkdir -p "artifacts/$target" logs
  finding=none
  # Threads with small stacks start sooner: the sanitizer clears all of a stack. Threads that read ahead end on their own, some time after
  # their reader, and what they hold would be taken for a leak; `tests/soak.sh` looks for leaks.
  RUST_MIN_STACK=262144 "$programs/$target" "corpus/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=64 -detect_leaks=0 -print_final_stats=1 -artifact_prefix="artifacts/$target/" >"logs/$target" 2>&1 || { finding="see artifacts" status=1; }
  awk -v target="$target" -v finding="$finding" '
    / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") edges = $(i + 1); if ($i == "corp:") kept = $(i + 1) } }
    /^stat::/ { stat[$1] = $2 }
    /^Done / { seconds = $5 }
    END {
      sub("/.*", "", kept)
      printf "| `%s` | %s | %s | %s | %s | %s s | %s MB | %s |\n", target, stat["stat::number_of_executed_units:"], seconds, edges, kept,
        stat["stat::slowest_unit_time_sec:"], stat["stat::peak_rss_mb:"], finding
    }' "logs/$target"
done
exit "$status"
