# shellcheck shell=bash
# Steps that the scripts share. Sourced by bash from the project's root.

start_seconds=$SECONDS

step() { printf '[%4ds] %s\n' "$((SECONDS - start_seconds))" "$*"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the packages of the given groups of cmake/packages.txt that are missing. Asks the network
# only when something is.
install_packages() {
  local group name missing=()
  while read -r group name; do
    case " $* " in *" $group "*) ;; *) continue ;; esac
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q '^install ok installed' || missing+=("$name")
  done < <(grep -vE '^(#|$)' cmake/packages.txt)
  if [ "${#missing[@]}" -eq 0 ]; then
    step "install: nothing is missing"
    return 0
  fi
  step "install: ${missing[*]}"
  as_root apt-get update -qq || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null || return 1
}

# build_preset PRESET [TARGET]: configures and builds, everything or one target. One compiler a core,
# fewer where memory is short (600 MB each).
build_preset() {
  local jobs memory_jobs
  jobs=$(nproc)
  memory_jobs=$(awk '/MemAvailable/ {print int($2 / 600000)}' /proc/meminfo)
  [ "$memory_jobs" -ge 1 ] || memory_jobs=1
  [ "$memory_jobs" -ge "$jobs" ] || jobs=$memory_jobs
  step "build: preset $1, $jobs at a time"
  cmake --preset "$1" >"/tmp/assay-configure-$$.log" 2>&1 || {
    cat "/tmp/assay-configure-$$.log"
    return 1
  }
  rm -f "/tmp/assay-configure-$$.log"
  cmake --build --preset "$1" ${2:+--target "$2"} -j "$jobs" -- --quiet || return 1
}

# Every test that skipped itself, with the reason it printed.
list_skipped() {
  local log="$1/Testing/Temporary/LastTest.log"
  awk '/^[0-9]+\/[0-9]+ Testing: /{name=$3} /: Skipped$/{getline reason; print "  " name ": " reason}' "$log" |
    sort -u | grep . || echo "  none"
}
