#!/bin/bash
set -euo pipefail

cargo-bundle-licenses --format yaml --output THIRDPARTY.yml
cargo install --locked --no-track --profile dist --bin svala --root "$PREFIX" --path .
for shell in bash zsh fish; do "$PREFIX/bin/svala" completions "$shell" >"svala.$shell"; done
install -Dm644 svala.bash "$PREFIX/share/bash-completion/completions/svala"
install -Dm644 svala.zsh "$PREFIX/share/zsh/site-functions/_svala"
install -Dm644 svala.fish "$PREFIX/share/fish/vendor_completions.d/svala.fish"
