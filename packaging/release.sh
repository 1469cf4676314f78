#!/usr/bin/env bash
# Makes the files of a release from the last commit, in a folder that isn't there yet: packaging/release.sh FOLDER. docs/release.md says what
# comes before. Needs a network, cargo-deny and cargo-cyclonedx.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir "$1"
folder=$(cd "$1" && pwd)

cargo deny check --hide-inclusion-graph advisories licenses bans sources
packaging/reproducible.sh "$folder/svala"
packaging/sbom.sh "$folder/svala.cdx.json"
"$folder/svala" selftest --report "$folder/selftest.html"
cd "$folder"
sha256sum svala svala.cdx.json selftest.html >SHA256SUMS
cat SHA256SUMS
