#!/bin/bash
set -euo pipefail

cargo-bundle-licenses --format yaml --output THIRDPARTY.yml
cargo install --locked --no-track --profile dist --bin svala --root "$PREFIX" --path .
completions() {
  mkdir -p "$PREFIX/share/$2"
  "$PREFIX/bin/svala" completions "$1" >"$PREFIX/share/$2/$3"
}
completions bash bash-completion/completions svala
completions zsh zsh/site-functions _svala
completions fish fish/vendor_completions.d svala.fish
