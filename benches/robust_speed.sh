#!/bin/bash
# What reads that are hard to place cost beside ordinary ones: CPU microseconds a read of whole runs, FASTQ.gz to SAM, as medians of
# interleaved rounds.
#
#   benches/robust_speed.sh REF.fa OTHER_SPECIES.fa FOLDER [ROUNDS] [THREADS]
#
# REF.fa needs an index of svala's. FOLDER keeps the reads. Needs dwgsim, GNU time, awk.
set -euo pipefail

reference=$1 other=$2 folder=$3 rounds=${4:-3} threads=${5:-2}
svala=${SVALA:-$(cd "$(dirname "$0")/.." && pwd)/target/release/svala}
pairs=50000
mkdir -p "$folder"

simulate() {
    local name=$1 genome=$2 seed=$3
    shift 3
    [ -s "$folder/$name.1.fq.gz" ] && return
    dwgsim -z "$seed" -o 1 -y 0 -n 5 -X 0.4 -d 400 -s 50 -N "$pairs" -1 150 -2 150 "$@" "$genome" "$folder/$name" > "$folder/$name.log" 2>&1
    rm -f "$folder/$name".mutations.*
    for mate in 1 2; do mv "$folder/$name.bwa.read$mate.fastq.gz" "$folder/$name.$mate.fq.gz"; done
}

# Writes ordinary reads with other bases: `edit` is awk that changes `bases`, whose number in the file is `n`.
alter() {
    local name=$1 edit=$2
    [ -s "$folder/$name.1.fq.gz" ] && return
    for mate in 1 2; do
        zcat "$folder/ordinary.$mate.fq.gz" | awk -v mate=$mate '
            function at(i) { return substr("ACGT", i + 1, 1) }
            BEGIN {
                srand(mate)
                adapter = mate == 1 ? "AGATCGGAAGAGCACACGTCTGAACTCCAGTCA" : "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT"
                while (length(adapter) < 150) adapter = adapter at(int(4 * rand()))
            }
            NR % 4 == 2 { bases = $0; n = int(NR / 4); '"$edit"'; print bases; next }
            { print }' | gzip -1 > "$folder/$name.$mate.fq.gz"
    done
}

simulate ordinary "$reference" 111 -r 0.0012 -R 0.1667 -e 0.001-0.006 -E 0.002-0.010
simulate divergent "$reference" 116 -r 0.02 -R 0.2 -e 0.02 -E 0.03
simulate other_species "$other" 117 -r 0.0012 -R 0.1667 -e 0.001-0.006 -E 0.002-0.010
alter adapter_of_30_bases 'bases = substr(bases, 1, 120) substr(adapter, 1, 30)'
alter adapters_in_a_fifth 'if (n % 5 == 0) { k = 1 + n * 7 % 110; bases = substr(bases, 1, 150 - k) substr(adapter, 1, k) }'
alter all_n 'gsub(/./, "N", bases)'
# Units of 1 to 6 bases; every hundredth base is random.
alter low_complexity 'u = ""; for (i = 0; i <= n % 6; i++) u = u at(int(4 * rand())); bases = ""
    for (i = 0; i < 150; i++) bases = bases (rand() < 0.01 ? at(int(4 * rand())) : substr(u, i % length(u) + 1, 1))'

sets=(ordinary divergent adapter_of_30_bases adapters_in_a_fifth other_species all_n low_complexity)
for ((round = 0; round < rounds; round++)); do
    for name in "${sets[@]}"; do
        /usr/bin/time -f "$name %U %S" -a -o "$folder/times.$$" \
            "$svala" mem -t "$threads" "$reference" "$folder/$name".{1,2}.fq.gz > /dev/null 2>> "$folder/log"
    done
done
sort -k1,1 "$folder/times.$$" | awk -v pairs="$pairs" '
    { all[$1] = all[$1] " " 1e6 * ($2 + $3) / (2 * pairs) }
    END {
        for (name in all) {
            n = split(all[name], t, " ")
            for (i = 2; i <= n; i++) for (j = i; j > 1 && t[j - 1] > t[j] + 0; j--) { x = t[j]; t[j] = t[j - 1]; t[j - 1] = x }
            median[name] = t[int((n + 1) / 2)]
        }
        for (name in median) printf "%-22s %6.1f us a read, %4.1f x an ordinary one\n", name, median[name], median[name] / median["ordinary"]
    }' | sort -k2,2n
rm "$folder/times.$$"
