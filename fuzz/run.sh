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

# fuzz TARGET [INPUT] OPTION...: runs the fuzzer, or one input alone, and adds what it says to the log.
#
# Threads with small stacks start sooner: the sanitizer clears all of a stack. Threads that read ahead end on their own, some time after
# their reader, and what they hold would be taken for a leak; `tests/soak.sh` looks for leaks.
fuzz() {
  RUST_MIN_STACK=262144 "$programs/$1" "${@:2}" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=64 -detect_leaks=0 -print_final_stats=1 \
    -artifact_prefix="artifacts/$1/" >>"logs/$1" 2>&1
}

# findings TARGET: whether there are any. An input that took long, but doesn't when it is alone, is none: the machine stood still.
findings() {
  local input
  for input in "artifacts/$1"/*; do
    [ -e "$input" ] || continue
    case ${input##*/} in
      timeout-* | slow-unit-*) fuzz "$1" "$input" || return 0 ;;
      *) return 0 ;;
    esac
    rm "$input"
    again=$((again + 1))
  done
  return 1
}

cargo +nightly fuzz build --fuzz-dir . --features program
programs=target/x86_64-unknown-linux-gnu/release
"$programs/seeds"
status=0
echo "| target | executions | seconds | edges covered | inputs kept | peak memory | inputs run again alone | findings |"
echo "|---|---:|---:|---:|---:|---:|---:|---|"
for target in "$@"; do
  rm -rf "artifacts/$target"
  mkdir -p "artifacts/$target" logs
  : >"logs/$target"
  finding=none again=0 begin=$SECONDS is_over=no
  until [ "$is_over" = yes ]; do
    left=$((begin + seconds - SECONDS)) before=$again is_over=yes
    outcome=0
    fuzz "$target" "corpus/$target" -max_total_time="$((left > 0 ? left : 1))" || outcome=$?
    if findings "$target"; then
      finding="see artifacts" status=1
    elif [ "$outcome" != 0 ]; then
      # It goes on where the machine stood still; else it ended for no reason that is known.
      if [ "$again" -gt "$before" ]; then is_over=no; else finding="exit code $outcome, see logs" status=1; fi
    fi
  done
  awk -v target="$target" -v finding="$finding" -v seconds=$((SECONDS - begin)) -v again="$again" '
    / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") edges = $(i + 1); if ($i == "corp:") kept = $(i + 1) } }
    /^stat::number_of_executed_units/ { executions += $2 }
    /^stat::peak_rss_mb/ && $2 > memory { memory = $2 }
    END {
      sub("/.*", "", kept)
      printf "| `%s` | %d | %d | %s | %s | %d MB | %d | %s |\n", target, executions, seconds, edges, kept, memory, again, finding
    }' "logs/$target"
done
exit "$status"
