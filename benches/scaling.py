#!/usr/bin/env python3
"""What bounds svala with more threads and GPUs: a model, from measured costs of its stages.

    benches/scaling.py > table.md          # docs/scaling.md says what the columns are
    benches/scaling.py --svg docs/scaling.svg

It reads benches/results/stage_costs.json, or the file that --costs names. Stages are grouped by who does their work: every thread (`shared`), one
thread for each file of reads (`per_file`), or one thread (`serial`). A phase ends when its slowest part does:

    seconds a read = sum over phases of max(CPU time of all stages / threads, each serial stage, each stage per file / files)

Nothing is taken off for memory that threads share; what they would ask of it is a column.
"""

import argparse
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THREADS = [2, 16, 64, 128]
GPUS = [0, 1, 2, 4, 8]
FILES = 2
# What every shard of `--shard` does for all reads.
BEFORE_SHARDS = ["inflating", "parsing"]
COLOURS = ["#1b6ca8", "#c8553d", "#3a7d44", "#7a5195", "#8a6d00"]


def bound(phase, threads, spread, gone=()):
    """Microseconds a read of a phase, and what bounds it. Stages that are `spread` are done by all threads; those `gone` are done elsewhere."""
    stages = [stage for stage in phase["stages"] if stage["name"] not in gone]
    limits = [(sum(stage["us"] for stage in stages) / threads, "all threads")]
    for stage in stages:
        if stage["by"] == "serial":
            limits.append((stage["us"], stage["name"]))
        elif stage["by"] == "per_file" and stage["name"] not in spread:
            limits.append((stage["us"] / FILES, stage["name"]))
    return max(limits)


def repeated(phase, times):
    """A phase whose stages before the shard's filter are done so many times."""
    again = lambda stage: times if stage["name"] in BEFORE_SHARDS else 1
    return {"stages": [{**stage, "us": stage["us"] * again(stage)} for stage in phase["stages"]]}


def run(costs, way, threads, gone=()):
    """Microseconds a read, what bounds each phase, and the share of the threads that work."""
    # Processes share the threads; each does a share of the reads by itself, though it may have to read all.
    processes = max(1, threads // way["threads_a_process"]) if way["threads_a_process"] else 1
    phases = [repeated(phase, processes if way["reads_all"] else 1) for phase in costs["phases"] if phase["name"] in way["phases"]]
    bounds = [bound(phase, threads / processes, way["spread"], gone) for phase in phases]
    work = sum(stage["us"] for phase in phases for stage in phase["stages"] if stage["name"] not in gone)
    time = sum(us for us, _ in bounds) / processes
    return time, [name for _, name in bounds], work / (time * threads)


def cpu_table(costs):
    print("| reads | threads | M reads/s | 30 × genome | bound, phase by phase | threads at work | memory, GB/s |")
    print("|---|---:|---:|---:|---|---:|---:|")
    for way in costs["ways"]:
        for threads in THREADS:
            time, names, busy = run(costs, way, threads)
            hours = costs["genome_reads"] * time / 3.6e9
            memory = costs["memory_bytes_a_read"] / time / 1e3
            print(
                f"| {way['name']} | {threads} | {1 / time:.2f} | {hours * 60:.1f} min | {'; '.join(names)} | {100 * busy:.0f} % | {memory:.0f} |"
            )


def gpu_table(costs):
    gpu = costs["gpu"]
    cells_a_s = gpu["lanes"] * gpu["clock_ghz"] * 1e9 / gpu["instructions_a_cell"] * gpu["share_reached"]
    kernel = cells_a_s / gpu["cells_a_read"] / 1e6
    link = gpu["pcie_gb_a_s"] * 1e3 / gpu["bytes_a_read"]
    print(f"\nOne GPU by the model: kernel {kernel:.0f} M reads/s, PCIe {link:.0f} M reads/s.\n")
    print("| threads | without | " + " | ".join(f"{n} GPU{'s' if n > 1 else ''}" for n in GPUS[1:]) + " | bound with 8 |")
    print("|---:|" + "---:|" * len(GPUS) + "---|")
    way = next(way for way in costs["ways"] if way["name"] == costs["gpu"]["way"])
    for threads in THREADS[1:]:
        cells = []
        for count in GPUS:
            time, names, _ = run(costs, way, threads, ("extension",) if count else ())
            cells.append(f"{min([1 / time] + [count * kernel, count * link] * bool(count)):.2f}")
        print(f"| {threads} | {' | '.join(cells)} | {'; '.join(names)} |")


def svg(costs):
    """Reads a second against threads, both on logarithmic axes."""
    from math import log10

    left, top, width, height = 70, 20, 560, 360
    most_threads, least, most = 128, 0.05, 20.0
    x = lambda threads: left + width * log10(threads) / log10(most_threads)
    y = lambda rate: top + height * (1 - log10(rate / least) / log10(most / least))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 230} {top + height + 55}" font-family="sans-serif" font-size="13">',
        "<title>Reads a second by threads: a model from measured stage costs</title>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for threads in [1, 2, 4, 8, 16, 32, 64, 128]:
        parts.append(f'<line x1="{x(threads):.1f}" x2="{x(threads):.1f}" y1="{top}" y2="{top + height}" stroke="#ddd"/>')
        parts.append(f'<text x="{x(threads):.1f}" y="{top + height + 18}" text-anchor="middle">{threads}</text>')
    for rate in [0.1, 0.2, 0.5, 1, 2, 5, 10]:
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y(rate):.1f}" y2="{y(rate):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(rate) + 4:.1f}" text-anchor="end">{rate:g}</text>')
    parts.append(f'<text x="{left + width / 2}" y="{top + height + 42}" text-anchor="middle">threads</text>')
    middle = top + height / 2
    parts.append(f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">million reads a second (model)</text>')
    labels = []
    for way, colour in zip(costs["ways"], COLOURS):
        points = [(threads, 1 / run(costs, way, threads)[0]) for threads in range(1, most_threads + 1)]
        path = " ".join(f"{x(threads):.1f},{y(rate):.1f}" for threads, rate in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        labels.append((y(points[-1][1]), way["name"], colour))
    below = -100.0
    for at, name, colour in sorted(labels):
        below = max(at, below + 16)
        parts.append(f'<text x="{left + width + 8}" y="{below + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join(parts + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--costs", type=Path, default=ROOT / "benches/results/stage_costs.json")
    parser.add_argument("--svg", type=Path, help="write the plot here instead of the tables to standard output")
    arguments = parser.parse_args()
    costs = json.loads(arguments.costs.read_text())
    if arguments.svg:
        arguments.svg.write_text(svg(costs))
    else:
        cpu_table(costs)
        gpu_table(costs)


if __name__ == "__main__":
    main()
