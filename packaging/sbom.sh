#!/usr/bin/env bash
# Writes the list of what svala is built from, as CycloneDX: packaging/sbom.sh FILE. Needs cargo-cyclonedx.
set -euo pipefail
output=$(realpath "$1")
cd "$(dirname "$0")/.."
# The same commit gives the same bytes.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
cargo cyclonedx --format json --spec-version 1.5 --target x86_64-unknown-linux-gnu --override-filename svala-sbom
# It writes one beside the manifest of each crate of the workspace; the program's has them all.
# What it says of the folder that it was made in goes.
sed "s|file://$PWD|file://|g" svala-sbom.json >"$output"
rm svala-sbom.json crates/*/svala-sbom.json
