#!/bin/bash
# svala on a genome of human size: time and memory to index it, to load the index cold and warm, and to map pairs; accuracy; and
# reads per CPU second beside those of the chromosome that the genome is made of.
#
#   benches/human_scale.sh CHR20.fa FOLDER [MB] [PAIRS] [THREADS] [plain]
#
# `plain` leaves out invented repeats. FOLDER keeps what was made (12 GB for 3,100 Mb), so that a second run measures only. Needs dwgsim, GNU time, awk, and 12 GB of memory;
# indexing and mapping run under limits of 16 and 14 GiB of address space, so that neither can take more.
set -euo pipefail

base=$1 folder=$2 megabases=${3:-3100} pairs=${4:-1000000} threads=${5:-2} plain=${6:-}
exec 3>&1
here=$(cd "$(dirname "$0")/.." && pwd)
svala=${SVALA:-$here/target/release/svala}
mkdir -p "$folder"
genome=$folder/genome.fa small=$folder/base.fa

# Runs a command under a limit of GiB of address space; says what it took. CPU seconds are in `cpu` then.
measured() {
    local what=$1 limit=$2
    shift 2
    (
        ulimit -v $((limit * 1048576))
        /usr/bin/time -f '%e %U %S %M %F' -o "$folder/time" "$@"
    )
    read -r wall user system resident faults < <(tail -n 1 "$folder/time")
    cpu=$(awk "BEGIN { print $user + $system }")
    printf '%-34s %8s s  %8s CPU s  %7d MiB resident  %s major faults\n' \
        "$what" "$wall" "$cpu" $((resident / 1024)) "$faults" >&3
}

simulate() {
    local reference=$1 prefix=$2
    [ -s "$prefix.1.fq.gz" ] && return
    dwgsim -z 112 -o 1 -y 0 -n 5 -r 0.0012 -R 0.1667 -X 0.4 -e 0.001-0.006 -E 0.002-0.010 -d 400 -s 50 \
        -N "$pairs" -1 150 -2 150 "$reference" "$prefix" > "$prefix.log" 2>&1
    rm -f "$prefix".mutations.*
    mv "$prefix.bwa.read1.fastq.gz" "$prefix.1.fq.gz"
    mv "$prefix.bwa.read2.fastq.gz" "$prefix.2.fq.gz"
}

# Takes a file out of the page cache.
evict() {
    sync "$1"
    dd if="$1" iflag=nocache count=0 status=none
}

# Shares of primary records that are within 20 bases of where their names say.
judge() {
    awk -F '\t' '
        /^@/ || int($2 / 256) % 2 || int($2 / 2048) % 2 { next }
        {
            n++
            fields = split($1, name, "_")
            start = name[int($2 / 128) % 2 ? fields - 7 : fields - 8]
            contig = name[1]
            for (i = 2; i <= fields - 9; i++) contig = contig "_" name[i]
            clip = match($6, /^[0-9]+[SH]/) ? substr($6, 1, RLENGTH - 1) : 0
            off = $4 - start
            right = $3 == contig && ((off <= 20 && off >= -20) || (off - clip <= 20 && off - clip >= -20))
            correct += right
            for (q = 20; q <= 30; q += 10) if ($5 >= q && int($2 / 4) % 2 == 0) { sure[q]++; wrong[q] += !right }
        }
        END {
            printf "%d reads, correct %.3f %%, wrong per million at MAPQ 20 and 30: %.1f %.1f, at MAPQ 20 or more %.3f %%\n",
                n, 100 * correct / n, 1e6 * wrong[20] / n, 1e6 * wrong[30] / n, 100 * sure[20] / n
        }'
}

[ -s "$genome" ] || cargo run --release --quiet --manifest-path "$here/Cargo.toml" --example human_genome -- \
    "$base" "$megabases" 1 ${plain:+"$plain"} > "$genome"
[ -e "$small" ] || ln -s "$(realpath "$base")" "$small"
simulate "$genome" "$folder/genome"
simulate "$small" "$folder/base"

measured 'index' 16 "$svala" index -t "$threads" "$genome" 2>> "$folder/log"
"$svala" index -t "$threads" "$small" 2>> "$folder/log"
stat -Lc %s "$genome.svala" | awk '{ printf "%-34s %8.2f GiB\n", "index file", $1 / 2^30 }'

# One read: all else is loading.
set +o pipefail
zcat "$folder/genome.1.fq.gz" | head -n 4 > "$folder/one.fq"
set -o pipefail
evict "$genome.svala"
for state in cold warm warm; do
    measured "load, $state" 14 "$svala" mem -t "$threads" "$genome" "$folder/one.fq" > /dev/null 2>> "$folder/log"
done

ratios=()
for _ in 1 2 3; do
    measured "map $pairs pairs, base" 14 \
        "$svala" mem -t "$threads" "$small" "$folder"/base.{1,2}.fq.gz > /dev/null 2>> "$folder/log"
    of_base=$cpu
    measured "map $pairs pairs, genome" 14 \
        "$svala" mem -t "$threads" "$genome" "$folder"/genome.{1,2}.fq.gz > /dev/null 2>> "$folder/log"
    ratios+=("$(awk "BEGIN { printf \"%.2f\", $of_base / $cpu }")")
done
echo "reads per CPU second, genome : base: ${ratios[*]}"
"$svala" mem -t "$threads" "$genome" "$folder"/genome.{1,2}.fq.gz 2>> "$folder/log" | judge
