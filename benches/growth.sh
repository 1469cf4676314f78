#!/bin/bash
# How the cost of svala grows: with the number of contigs (10,000 and 100,000, of one chromosome), and with reads (1, 2, 4 times) and threads (1, 2).
#
#   benches/growth.sh CHR20.fa FOLDER [PAIRS] [ROUNDS]
#
# Prints CPU seconds of whole processes, loading among them, medians of interleaved rounds. FOLDER keeps what was made of one CHR20.fa.
# Needs dwgsim, GNU time, python3 and awk.
set -euo pipefail

base=$1 folder=$2 pairs=${3:-100000} rounds=${4:-3}
here=$(cd "$(dirname "$0")/.." && pwd)
svala=${SVALA:-$here/target/release/svala}
mkdir -p "$folder"

# Appends to the measurements of WHAT: CPU seconds, wall seconds and MiB resident of a command.
measured() {
    local what=$1
    shift
    /usr/bin/time -f '%U %S %e %M' -o "$folder/time" "$@" > /dev/null 2>> "$folder/log"
    tail -n 1 "$folder/time" | awk -v what="$what" '{ printf "%s\t%.2f\t%s\t%d\n", what, $1 + $2, $3, $4 / 1024 }' >> "$folder/measured"
}

# The medians of WHAT: CPU seconds, wall seconds, MiB.
median() {
    local column
    for column in 2 3 4; do
        awk -F '\t' -v what="$1" -v column="$column" '$1 == what { print $column }' "$folder/measured" | sort -n |
            awk '{ all[NR] = $1 } END { printf "%s ", all[int((NR + 1) / 2)] }'
    done
    echo
}

simulate() {
    local reference=$1 prefix=$2 count=$3 distance=$4 length=$5
    [ -s "$prefix.1.fq.gz" ] && return
    dwgsim -z 31 -o 1 -y 0 -n 5 -r 0.0012 -R 0.1667 -X 0.4 -e 0.001-0.006 -E 0.002-0.010 -d "$distance" -s 40 \
        -N "$count" -1 "$length" -2 "$length" "$reference" "$prefix" > "$prefix.log" 2>&1
    rm -f "$prefix".mutations.*
    mv "$prefix.bwa.read1.fastq.gz" "$prefix.1.fq.gz"
    mv "$prefix.bwa.read2.fastq.gz" "$prefix.2.fq.gz"
}

# Cuts the bases of a FASTA file into contigs of one length.
cut_contigs() {
    python3 - "$1" "$2" <<'PYTHON'
import sys

with open(sys.argv[1]) as fasta:
    bases = "".join(line.strip() for line in fasta if not line.startswith(">"))
count = int(sys.argv[2])
for i in range(count):
    print(f">c{i}\n{bases[i * len(bases) // count:(i + 1) * len(bases) // count]}")
PYTHON
}

: > "$folder/measured"
# Reads of the longer contigs that also lie within the shorter ones: those of the shorter ones, but for contigs of which dwgsim makes none.
for contigs in 10000 100000; do
    [ -s "$folder/$contigs.fa" ] && continue
    cut_contigs "$base" "$contigs" > "$folder/unfinished.fa"
    mv "$folder/unfinished.fa" "$folder/$contigs.fa"
done
awk '/^>/ { name = $0; next } !/N/ { print name "\n" $0 }' "$folder/100000.fa" > "$folder/known.fa"
within=$folder/within$pairs
simulate "$folder/known.fa" "$within" "$((3 * pairs / 2))" 350 100
for _ in $(seq "$rounds"); do
    for contigs in 10000 100000; do
        reads=(-1 "$within.1.fq.gz" -2 "$within.2.fq.gz")
        measured "index $contigs" "$svala" index -t 1 "$folder/$contigs.fa"
        measured "mem $contigs" "$svala" mem -t 1 "$folder/$contigs.fa" "$within.1.fq.gz" "$within.2.fq.gz"
        measured "align $contigs" "$svala" align -t 1 --qc "$folder/qc" --ref "$folder/$contigs.fa" "${reads[@]}" -o "$folder/$contigs.bam"
    done
done
for contigs in 10000 100000; do
    read -r index _ < <(median "index $contigs")
    read -r mem _ < <(median "mem $contigs")
    read -r align _ resident < <(median "align $contigs")
    echo "$contigs contigs: index $index CPU s, mem $mem, align --qc $align, $resident MiB resident; BAI $(stat -c %s "$folder/$contigs.bam.bai") bytes"
done

[ -e "$folder/whole.fa" ] || ln -s "$(realpath "$base")" "$folder/whole.fa"
"$svala" index "$folder/whole.fa" 2>> "$folder/log"
for times in 1 2 4; do
    simulate "$folder/whole.fa" "$folder/$((times * pairs))" "$((times * pairs))" 400 150
done
for _ in $(seq "$rounds"); do
    for times in 1 2 4; do
        for threads in 1 2; do
            measured "$times $threads" "$svala" mem -t "$threads" "$folder/whole.fa" "$folder/$((times * pairs))".{1,2}.fq.gz
        done
    done
done
for threads in 1 2; do
    for times in 1 2 4; do
        read -r cpu wall _ < <(median "$times $threads")
        [ "$times" != 1 ] || first=$cpu
        awk -v t="$threads" -v p="$((times * pairs))" -v c="$cpu" -v w="$wall" -v f="$first" \
            'BEGIN { printf "%d threads, %7d pairs: %6.2f CPU s, %.2f times the first, %6.2f s wall\n", t, p, c, c / f, w }'
    done
done
