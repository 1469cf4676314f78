#!/usr/bin/env bash
# Runs the workflow on a Slurm cluster of three nodes on this machine, six shards, and kills a node while it aligns: the outcome must have
# the bytes of one run. As root, on Debian with Rust; takes about two minutes once everything is installed and built.
#
# The harm is made as great as it can be: the killed node's svala is held until the second attempt at its shard has begun to write, and
# then goes on beside it. So two processes write one shard. Exits with 75 if Slurm or Snakemake can't be had.
#
#     workflows/snakemake/test-slurm.sh [FOLDER]       # FOLDER keeps the files; else they are removed at the end
#
# Slurm puts the dead node's job back in the queue itself; with RETRY=snakemake it is told not to, and Snakemake submits a new one.
set -euo pipefail

repository="$(cd "$(dirname "$0")/../.." && pwd)"
workflow="$repository/workflows/snakemake"
slurm_conf=/etc/slurm/slurm.conf
mark="# Made by $(basename "$0") of svala"
shards=6
seconds_of() { echo "    $(( $(date +%s) - $2 )) s: $1"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
missing() { echo "can't be had: $*" >&2; exit 75; }

[ "$(id -u)" = 0 ] || fail "expected root, to start Slurm's daemons"
if [ -e "$slurm_conf" ] && ! grep -qxF "$mark" "$slurm_conf"; then
  fail "$slurm_conf is there already; this test makes a cluster of its own"
fi
work="${1:-$(mktemp -d)}"
mkdir -p "$work" && work="$(cd "$work" && pwd)"
log="$work/log"
mkdir -p "$log"
daemons=()

clean_up() {
  # The one that is held can't end itself.
  if [ -e "$work/held" ]; then kill -KILL "$(cat "$work/held")" 2>/dev/null || true; fi
  for node in "$work"/slurm/n?.pid "$work/slurm/slurmctld.pid"; do
    [ ! -e "$node" ] || kill -TERM "$(cat "$node")" 2>/dev/null || true
  done
  for daemon in "${daemons[@]}"; do kill -TERM "$daemon" 2>/dev/null || true; done
  rm -f "$slurm_conf"
}
finish() {
  local outcome=$?
  clean_up
  if [ "$outcome" != 0 ]; then
    echo "the logs are in $log" >&2
  elif [ -z "${1:-}" ]; then
    # The daemons still write until they have ended.
    for _ in $(seq 20); do rm -rf "$work" 2>/dev/null && break; sleep 0.5; done
  fi
  exit "$outcome"
}
trap 'finish '"${1:+kept}" EXIT

install() {
  if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then
    apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge procps python3-venv \
        >"$log/apt" 2>&1 || missing "Slurm"
  fi
  if ! command -v snakemake >/dev/null || ! python3 -c 'import snakemake_executor_plugin_slurm' 2>/dev/null; then
    python3 -m venv "$work/venv" &&
      "$work/venv/bin/pip" install -q 'snakemake>=8' snakemake-executor-plugin-slurm >"$log/pip" 2>&1 || missing "Snakemake"
    export PATH="$work/venv/bin:$PATH"
  fi
}

# Three nodes on this machine, each with a daemon of its own.
start_slurm() {
  local state="$work/slurm" host node
  host="$(hostname)"
  mkdir -p "$state/ctld" /etc/slurm /run/munge
  chown munge: /run/munge
  if [ ! -S /run/munge/munge.socket.2 ] || ! munge -n >/dev/null 2>&1; then
    setpriv --reuid=munge --regid=munge --clear-groups /usr/sbin/munged --foreground >"$log/munged" 2>&1 &
    daemons+=($!)
    for _ in $(seq 50); do munge -n >/dev/null 2>&1 && break; sleep 0.1; done
  fi
  cat >"$slurm_conf" <<CONF
$mark
ClusterName=svala
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A job of a dead node is started again after so long, 120 s else.
AuthInfo=cred_expire=10
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=5
SlurmctldPort=16817
SlurmctldPidFile=$state/slurmctld.pid
SlurmctldLogFile=$log/slurmctld
StateSaveLocation=$state/ctld
SlurmdPidFile=$state/%n.pid
SlurmdLogFile=$log/slurmd.%n
SlurmdSpoolDir=$state/%n
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17001 CPUs=1 RealMemory=32000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=17002 CPUs=1 RealMemory=32000
NodeName=n3 NodeHostname=$host NodeAddr=127.0.0.1 Port=17003 CPUs=1 RealMemory=32000
PartitionName=main Nodes=n[1-3] Default=YES MaxTime=INFINITE State=UP
CONF
  slurmctld
  for node in n1 n2 n3; do slurmd -N "$node"; done
  for _ in $(seq 100); do
    [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 3 ] && return
    sleep 0.2
  done
  fail "Slurm's nodes don't come up"
}

# The committed reads, many times, and what one run makes of them.
make_sample() {
  local data="$repository/tests/data" mate
  mkdir -p "$work/in" "$work/single"
  cp "$data/hg19_chrM_chrY-trunc.fa.gz" "$work/in/ref.fa.gz"
  for mate in 1 2; do
    zcat "$data/NA12878_chrM.R$mate.fastq.gz" |
      awk 'NR % 4 == 1 { sub(/^@/, ""); header = $0 }
           { line[NR % 4] = $0 }
           NR % 4 == 0 { for (copy = 0; copy < 40; copy++) print "@c" copy "." header "\n" line[2] "\n+\n" line[0] }' |
      gzip -1 >"$work/in/reads.$mate.fq.gz"
  done
  printf 'read_group\tsample\tlibrary\tfastq_1\tfastq_2\nlane1\tNA12878\tlib\treads.1.fq.gz\treads.2.fq.gz\n' \
    >"$work/in/NA12878.tsv"
  "$svala" index "$work/in/ref.fa.gz" 2>"$log/index"
  "$svala" align -q --ref "$work/in/ref.fa.gz" --samples "$work/in/NA12878.tsv" --qc "$work/single/NA12878" \
    -o "$work/single/NA12878.bam"
  rm "$work/in/ref.fa.gz.svala"
  cat >"$work/config.yaml" <<CONFIG
reference: in/ref.fa.gz
samples:
  NA12878: in/NA12878.tsv
shards: $shards
svala: $svala
CONFIG
}

# Processes that align a shard, with their node and shard.
attempts() {
  local process words
  for process in $(pgrep -x svala); do
    # It may have ended meanwhile.
    words="$(tr '\0' ' ' 2>/dev/null <"/proc/$process/cmdline")" 2>/dev/null || continue
    case "$words" in
      *" align "*" --shard "*)
        words="${words#* --shard }"
        echo "$process $(sed -zn 's/^SLURMD_NODENAME=//p' "/proc/$process/environ" 2>/dev/null | tr -d '\0') ${words%% *}" ;;
    esac
  done
}
# Whether a process has begun to write.
writes() { compgen -G "$work/results/shards/.svala-*-$1-*.partial" >/dev/null; }

kill_a_node() {
  local process node shard begin
  begin="$(date +%s)"
  while :; do
    while read -r process node shard; do
      if [ "$node" = n2 ] && writes "$process" && kill -STOP "$process"; then break 2; fi
    done < <(attempts)
    sleep 0.05
  done
  echo "$process" >"$work/held"
  # In this order, so that the daemon can't tell of anything.
  kill -KILL "$(cat "$work/slurm/n2.pid")"
  seconds_of "node n2 is killed while it writes shard $shard" "$begin"
  while :; do
    local other other_node other_shard
    while read -r other other_node other_shard; do
      if [ "$other" != "$process" ] && [ "$other_shard" = "$shard" ] && writes "$other"; then break 2; fi
    done < <(attempts)
    sleep 0.05
  done
  kill -CONT "$process"
  seconds_of "shard $shard is written on $other_node, and the process of n2 goes on beside it" "$begin"
  while kill -0 "$process" 2>/dev/null; do sleep 0.1; done
  echo "$shard" >"$work/written-twice"
  rm "$work/held"
  seconds_of "the process of n2 has ended" "$begin"
}

begin="$(date +%s)"
install
seconds_of "Slurm and Snakemake are installed" "$begin"
svala="${SVALA:-$repository/target/release/svala}"
[ -n "${SVALA:-}" ] || cargo build --release --quiet --manifest-path "$repository/Cargo.toml" --bin svala
[ -x "$svala" ] || fail "no program $svala"
seconds_of "svala is built" "$begin"
start_slurm
make_sample
seconds_of "three nodes are up; one run has made what is expected" "$begin"

retry=()
[ "${RETRY:-}" != snakemake ] || retry=(--slurm-no-requeue)
begin="$(date +%s)"
kill_a_node &
killer=$!
daemons+=("$killer")
timeout 900 snakemake --snakefile "$workflow/Snakefile" --profile "$workflow/profiles/slurm" --configfile "$work/config.yaml" \
  --directory "$work" --set-threads index=1 align=1 merge=1 --set-resources align:mem_mb=1000 merge:mem_mb=1000 index:mem_mb=1000 \
  --default-resources slurm_partition=main mem_mb=1000 runtime=10 --slurm-no-account --slurm-status-command squeue --slurm-init-seconds-before-status-checks 2 \
  --seconds-between-status-checks 2 "${retry[@]}" >"$log/snakemake" 2>&1 || { tail -30 "$log/snakemake" >&2; fail "the workflow"; }
seconds_of "the workflow is done" "$begin"
[ -e "$work/held" ] || [ -e "$work/written-twice" ] || fail "no node was killed: the shards were aligned too soon"
for _ in $(seq 600); do kill -0 "$killer" 2>/dev/null || break; sleep 0.1; done
[ -e "$work/written-twice" ] || fail "no shard was written twice"

compared=0
for file in "$work"/single/*; do
  name="$(basename "$file")"
  case "$name" in
    # These tell of the run: when, where, how long.
    *.bam.svala.json | *.html | *.svala_mqc.json) continue ;;
  esac
  cmp "$file" "$work/results/$name" || fail "$name is not that of one run"
  compared=$((compared + 1))
done
[ "$compared" -ge 8 ] || fail "only $compared files to compare"
# svala says nothing unless something went wrong, in the process of the dead node either.
for messages in "$work"/results/logs/NA12878.*; do [ ! -s "$messages" ] || fail "$(cat "$messages")"; done
"$svala" verify "$work/results/NA12878.bam"
echo "PASSED: $compared files of $shards shards on three nodes, one killed, are those of one run"
