#!/usr/bin/env bash
# Proves that packaging/build.sh gives the same bytes in any folder: packaging/reproducible.sh [REVISION]
#
# Builds REVISION (HEAD) twice, one after the other, in new folders whose names differ in length, each with a home of cargo, a time zone, a
# language and a umask of its own. Prints with what they were built and the digests; or what differs, and then it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
revision=$(git rev-parse --verify "${1:-HEAD}^{commit}")
home=${CARGO_HOME:-$HOME/.cargo}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build NAME FOLDER: builds in FOLDER below the temporary one, and keeps the program as NAME.
build() {
  local source=$work/$2/source crates=$work/$2/crates
  mkdir -p "$source" "$crates/registry"
  git archive "$revision" | tar -x -C "$source"
  cp -a "$home/registry/index" "$home/registry/cache" "$crates/registry/"
  [ ! -e "$home/config.toml" ] || cp "$home/config.toml" "$crates/"
  CARGO_HOME=$crates "$source/packaging/build.sh" --offline --quiet
  cp "$source/target/dist/svala" "$work/$1"
  rm -rf "${work:?}/$2"
}

# differences ONE TWO: the sections that differ, and the first text that does.
differences() {
  local section
  for section in $(readelf -SW "$1" | sed -nE '/NOBITS/!s/^ *\[ *[0-9]+\] (\.[^ ]+).*/\1/p'); do
    # One of the two may have none of that name; tables of symbols can't be had so.
    : >"$work/section.1"
    : >"$work/section.2"
    objcopy --dump-section "$section=$work/section.1" "$1" /dev/null 2>"$work/refused" || true
    objcopy --dump-section "$section=$work/section.2" "$2" /dev/null 2>"$work/refused" || true
    cmp -s "$work/section.1" "$work/section.2" || echo "section $section: $(wc -c <"$work/section.1") bytes, $(wc -c <"$work/section.2") bytes"
  done
  diff <(strings -a -n 8 "$1") <(strings -a -n 8 "$2") >"$work/text" || head -20 "$work/text"
}

cargo fetch --locked --quiet
(export TZ=UTC LC_ALL=C; umask 022; build one a)
(export TZ=Asia/Tokyo LC_ALL=C.UTF-8; umask 077; build two a-folder/whose-name/is-longer-than-that-of-the-first)

echo "commit     $revision"
echo "rustc      $(rustc -V), $(rustc -vV | sed -n 's/^LLVM version/LLVM/p')"
echo "C compiler $(cc --version | head -1)"
echo "linker     $(ld --version | head -1)"
sha256sum "$work/one" "$work/two" | sed "s|$work/||"
if ! cmp "$work/one" "$work/two"; then
  differences "$work/one" "$work/two"
  exit 1
fi
# They could name a folder that both builds had.
strings -a "$work/one" >"$work/text"
for folder in "$work" "$home" "$HOME/" "$(rustc --print sysroot)"; do
  if grep -F -m 5 "$folder" "$work/text"; then
    echo "the program names a folder of this machine: $folder" >&2
    exit 1
  fi
done
echo "the same bytes"
