#!/usr/bin/env bash
# The GPU path on SwiftShader, a software Vulkan device unlike Mesa's: 256 invocations a work-group, offsets in multiples
# of 256 bytes, subgroups of 4, no 16-bit types. Then on both devices at once, which share the work.
#
# Fetches Debian's chromium-common, which has SwiftShader, into a temporary folder; it installs nothing and needs no root.
# Needs libvulkan1 and mesa-vulkan-drivers. Exit code 75: the package couldn't be had, so nothing was tested.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_RUNTIME_DIR=$folder
if ! (cd "$folder" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" chromium-common && dpkg -x chromium-common_*.deb .); then
  echo "SwiftShader: NOT TESTED, chromium-common can't be had" >&2
  exit 75
fi
swiftshader=$folder/usr/lib/chromium/vk_swiftshader_icd.json
lavapipe=$(ls /usr/share/vulkan/icd.d/lvp_icd*.json)

# Runs everything on drivers, whose devices' words in the report of a run are given.
prove_on() {
  export VK_DRIVER_FILES=$1 SVALA_REQUIRE_GPU=1
  cargo test --release -p svala-compute --test equivalence -- gpu::
  cargo test --release --test same_bytes -- gpu
  cargo run --release -- doctor --jobs 1000
  cargo run --release -- demo -o "$folder/gpu.bam" --backend gpu --adapters all | tee "$folder/gpu.txt"
  cargo run --release -- demo -o "$folder/cpu.bam" --backend cpu >"$folder/cpu.txt"
  cmp "$folder/gpu.bam" "$folder/cpu.bam"
  for device in "${@:2}"; do grep "^backend .*$device" "$folder/gpu.txt"; done
}
prove_on "$swiftshader" SwiftShader
prove_on "$swiftshader:$lavapipe" SwiftShader llvmpipe
