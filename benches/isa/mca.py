#!/usr/bin/env python3
"""What LLVM's models of CPUs make of the SIMD kernels' inner loops: cells a cycle, on a machine that may have none of these CPUs.

Use: benches/isa/mca.py BINARY [CPU..]
BINARY is any x86-64 program with the kernels in it, such as a test of svala-compute, with line tables. Needs objdump and
addr2line (binutils), and llvm-mca 16 or later (LLVM_MCA names another than `llvm-mca`).

An inner loop is one without another in it. A row of the matrix is one table look-up (vpshufb), so look-ups a turn times bytes of a
register are cells a turn, in 8-bit lanes. Of a kernel's loops for one instruction set the one with the fewest instructions a
row counts: the one without masks. It is a model, not a measurement: all loads hit the nearest cache, no branch is missed,
and what happens beside the inner loop takes no time.
"""

import os
import re
import subprocess
import sys
import tempfile

CPUS = ["znver3", "znver4", "skylake-avx512", "icelake-server", "sapphirerapids"]
KERNELS = ["extend", "global", "local"]
# Registers of each instruction set in the symbol of the kernels' functions, and their bytes.
LEVELS = {"vectorize_avx2": ("AVX2", "ymm", 32), "vectorize_avx512": ("AVX-512", "zmm", 64)}
# An address and an instruction of objdump -d.
LINE = re.compile(r"^ +([0-9a-f]+):\t(.*?)(?:\s+#.*)?$")
# Turns that the model runs.
TURNS = 200


def functions(binary):
    """Yields the level and the instructions, as (address, text), of each function that is compiled for one."""
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", "-w", binary]
    level, body = None, []
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        if line.endswith(">:"):
            if level:
                yield level, body
            level, body = next((LEVELS[name] for name in LEVELS if line.endswith(f"::{name}>:")), None), []
        elif level and (found := LINE.match(line)):
            body.append((int(found[1], 16), found[2].strip()))
    if level:
        yield level, body


def inner_loops(body):
    """Yields the loops of a function that hold no other: from a jump's target to the jump back."""
    place = {address: k for k, (address, _) in enumerate(body)}
    back = []
    for k, (address, text) in enumerate(body):
        jump = re.match(r"j\w+ +([0-9a-f]+)", text)
        target = int(jump[1], 16) if jump else None
        if target is not None and target <= address and target in place:
            back.append((place[target], k))
    for first, last in back:
        if not any((a, b) != (first, last) and first <= a and b <= last for a, b in back):
            yield body[first : last + 1]


def kernel_of(binary, address):
    """The kernel whose source an address is from, by the inlined functions there."""
    command = ["addr2line", "-i", "-e", binary, hex(address)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"kernels/(\w+)/simd_group\.rs", lines)
    return found[1] if found else None


def best_loops(binary):
    """The loop with the fewest instructions a row for each kernel and level in 8-bit lanes: {(kernel, level): (rows, loop)}."""
    best = {}
    for (level, register, _), body in functions(binary):
        for loop in inner_loops(body):
            look_ups = [address for address, text in loop if text.startswith("vpshufb") and register in text]
            # Words add with another instruction than bytes.
            in_bytes = any(re.match(r"vp(add|sub)usb ", text) for _, text in loop)
            if not look_ups or not in_bytes:
                continue
            kernel = kernel_of(binary, look_ups[0])
            rows = len(look_ups)
            known = best.get((kernel, level))
            if kernel in KERNELS and (known is None or len(loop) / rows < len(known[1]) / known[0]):
                best[kernel, level] = (rows, loop)
    return best


def cycles(loop, cpu):
    """Cycles a turn of a loop on a CPU, or None if the model has no such instructions."""
    # Where a jump goes is nothing to the model.
    text = "\n".join(re.sub(r"^(j\w+) .*", r"\1 0", line).split("<")[0] for _, line in loop)
    with tempfile.NamedTemporaryFile("w", suffix=".s") as file:
        file.write(text + "\n")
        file.flush()
        command = [os.environ.get("LLVM_MCA", "llvm-mca"), f"-mcpu={cpu}", f"-iterations={TURNS}", file.name]
        done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Total Cycles: +(\d+)", done.stdout)
    # An instruction that the CPU lacks is an error.
    return int(found[1]) / TURNS if found and "error" not in done.stderr else None


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary, cpus = sys.argv[1], sys.argv[2:] or CPUS
    loops = best_loops(binary)
    if not loops:
        sys.exit(f"{binary}: no kernel's loop was found")
    bytes_of = {level: size for level, _, size in LEVELS.values()}
    print("| kernel | instructions | a row | " + " | ".join(f"{cpu}: cycles a row, cells a cycle" for cpu in cpus) + " |")
    print("|---|---|---:|" + "---:|" * len(cpus))
    for (kernel, level), (rows, loop) in sorted(loops.items()):
        cells = []
        for cpu in cpus:
            turn = cycles(loop, cpu)
            cells.append(f"{turn / rows:.2f}, {bytes_of[level] * rows / turn:.1f}" if turn else "–")
        print(f"| {kernel} | {level} | {len(loop) / rows:.1f} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
