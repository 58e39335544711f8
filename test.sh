#!/usr/bin/env bash
# Installs what is missing, builds and runs every test. With --asan, under ASan and UBSan.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
source cmake/steps.sh

preset=release
[ "${1:-}" = "--asan" ] && preset=asan

install_packages build test || exit 1
build_preset "$preset" || exit 1
step "test: ctest --preset $preset"
log="build/$preset/test.log"
ctest --preset "$preset" -j "$(nproc)" --no-tests=error >"$log" 2>&1
status=$?
[ "$status" -eq 0 ] || grep -vE '^ *(Start|[0-9]+/[0-9]+ Test +#[0-9]+: .*(Passed|Skipped))' "$log"
step "skipped tests, and why"
list_skipped "build/$preset"
step "result"
tail -n 40 "$log" | sed -n '/tests passed/,$p'
exit "$status"
