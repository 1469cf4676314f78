#!/usr/bin/env bash
# Runs a command with RADV of Mesa 25 from Debian 12's backports, the version that the README's counts are of:
#
#     benches/isa/fetch-mesa.sh cargo run --release
#
# The packages go to target/mesa beside this file, once; nothing is installed, and it needs no root. Libraries that they
# need come with the system's libvulkan1 and mesa-vulkan-drivers. Exit code 75: the driver can't be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mesa=$here/target/mesa
libraries=$mesa/usr/lib/$(uname -m)-linux-gnu

fetch() {
  local work keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  work=$(mktemp -d)
  trap 'rm -rf "$work"; trap - RETURN' RETURN
  mkdir -p "$work"/{lists,archives}/partial "$work/debs" "$mesa"
  echo "deb [signed-by=$keyring] http://deb.debian.org/debian bookworm-backports main" >"$work/sources.list"
  # An apt of our own: the system's sources, lists and packages stay as they are.
  local apt=(apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User="$(id -un)"
    -o Acquire::Languages=none)
  "${apt[@]}" update &&
    (cd "$work/debs" && "${apt[@]}" download {mesa-vulkan-drivers,libdrm2,libdrm-amdgpu1}/bookworm-backports) &&
    for package in "$work"/debs/*.deb; do dpkg -x "$package" "$mesa" || return; done
}

if ! [ -e "$libraries/libvulkan_radeon.so" ] && ! fetch; then
  rm -rf "$mesa"
  echo "Mesa 25 from bookworm-backports can't be had" >&2
  exit 75
fi
export VK_DRIVER_FILES=$mesa/usr/share/vulkan/icd.d/radeon_icd.json
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
if ldd "$libraries/libvulkan_radeon.so" | grep "not found" >&2; then
  echo "Mesa 25 lacks the libraries above, which Debian 12's mesa-vulkan-drivers brings" >&2
  exit 75
fi
exec "$@"
