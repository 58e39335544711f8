#!/usr/bin/env bash
# Installs what is missing, builds, trains the CPU default and says what to open next.
set -euo pipefail
cd "$(dirname "$0")"
source cmake/steps.sh

install_packages build
build_preset release assay
step "train: assay run @ configs/arithmetic.toml"
build/release/bin/assay run @ configs/arithmetic.toml --run.name first --clean "$@"
step "done"
cat <<'NEXT'

Open next
  outputs/first/report/index.html                      what was gained, in a browser
  build/release/bin/assay ledger check outputs/first   the history of every rollout, verified
  build/release/bin/assay --help                       everything else
NEXT
