#!/usr/bin/env bash
# Back-to-back alignments for so many minutes, with memory and temporary space watched: tests/soak.sh [MINUTES] [THREADS]. SVALA names
# another program than the one that is built here.
#
# Each round aligns the reads in this repository, sorted in little memory, merges shards, and ends a run by a signal. It fails if a round's output
# differs, if peak memory grows from the first rounds to the last, if a run over 180 times the reads has more of it than one over 90 times, or if anything is left in
# the folders.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-30} threads=${2:-2}

[ -n "${SVALA:-}" ] || cargo build --release
svala=${SVALA:-$PWD/target/release/svala}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp" "$work/out"
cp tests/data/hg19_chrM_chrY-trunc.fa.gz "$work/ref.fa.gz"
"$svala" index "$work/ref.fa.gz" 2>/dev/null
reads=(tests/data/NA12878_chrM.R1.fastq.gz tests/data/NA12878_chrM.R2.fastq.gz)
align=("$svala" align -q -t "$threads" --max-mem 16 --tmp-dir "$work/tmp" --ref "$work/ref.fa.gz")
# Three times the reads, under other names, so that there are runs to merge.
for mate in 0 1; do
  for copy in 1 2 3; do
    gzip -dc "${reads[$mate]}" | awk -v copy="$copy" 'NR % 4 == 1 { sub(/^@/, "@" copy ".") } { print }'
  done | gzip -1 >"$work/$mate.fq.gz"
done

# Peak memory of a command in KiB, as /proc knows it last.
peak() {
  local pid most=0 now
  "$@" &
  pid=$!
  while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
    [ "$now" -gt "$most" ] && most=$now
    sleep 0.05
  done
  wait "$pid" || return
  echo "$most"
}

end=$((SECONDS + 60 * minutes)) round=0
: >"$work/peaks"
while [ "$SECONDS" -lt "$end" ] || [ "$round" -lt 6 ]; do
  memory=$(peak "${align[@]}" -1 "$work/0.fq.gz" -2 "$work/1.fq.gz" -o "$work/out/s.bam")
  "$svala" verify "$work/out/s.bam" >/dev/null
  "$svala" merge -q --tmp-dir "$work/tmp" --max-mem 16 "$work/out/s.bam" -o "$work/out/m.bam"
  digest=$(cat "$work/out/s.bam" "$work/out/s.bam.bai" "$work/out/m.bam" | sha256sum)
  [ "${first:=$digest}" = "$digest" ] || { echo "round $round: another digest" >&2; exit 1; }
  # A run that is ended early cleans up.
  "${align[@]}" -1 "$work/0.fq.gz" -2 "$work/1.fq.gz" -o "$work/out/ended.bam" &
  sleep "0.$((RANDOM % 9 + 1))"
  kill "$!" 2>/dev/null || true
  wait "$!" || true
  rm -f "$work"/out/ended.bam*
  left=$(find "$work/tmp" -type f; find "$work/out" -name '.*' -type f)
  [ -z "$left" ] || { echo "round $round: left behind: $left" >&2; exit 1; }
  round=$((round + 1))
  echo "$memory $(du -sk "$work" | cut -f1)" >>"$work/peaks"
  [ $((round % 20)) != 1 ] || echo "round $round, $SECONDS s: peak $memory KiB, folders $(tail -1 "$work/peaks" | cut -d' ' -f2) KiB"
done

# Runs of 90 and of 180 times the length. Both spill more runs than may be open at once (64, whose buffers are most of their memory: runs of
# ten times the length have fewer and take less), so but for a bit a pair the second needs no more; a sixth is what threads' timing may make.
repeat() { local i; for ((i = 0; i < $1; i++)); do cat "$2"; done; }
for mate in 0 1; do
  repeat 90 "$work/$mate.fq.gz" >"$work/long.$mate.fq.gz"
  repeat 2 "$work/long.$mate.fq.gz" >"$work/longer.$mate.fq.gz"
done
long=$(peak "${align[@]}" -1 "$work/long.0.fq.gz" -2 "$work/long.1.fq.gz" -o "$work/out/long.bam")
longer=$(peak "${align[@]}" -1 "$work/longer.0.fq.gz" -2 "$work/longer.1.fq.gz" -o "$work/out/long.bam")
echo "peak memory of a run over 90 times the reads: $long KiB, over 180 times: $longer KiB"
[ "$longer" -le $((long + long / 6)) ] || { echo "it grows within a run" >&2; exit 1; }

# The most of the first third against the most of the last: 5 % is what threads' timing makes.
awk -v rounds="$round" '
  { third = NR <= rounds / 3 ? "first" : NR > rounds * 2 / 3 ? "last" : "middle"
    if ($1 > memory[third]) memory[third] = $1
    if ($2 > space[third]) space[third] = $2 }
  END {
    printf "%d rounds: peak memory %d KiB in the first third, %d in the last; folders %d KiB and %d\n",
      rounds, memory["first"], memory["last"], space["first"], space["last"]
    if (memory["last"] > memory["first"] * 1.05 || space["last"] > space["first"] + 64) { print "it grows"; exit 1 }
  }' "$work/peaks"
