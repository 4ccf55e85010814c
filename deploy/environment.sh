# Sourced by tests/run and deploy/demo: a private virtual environment from a lock file, on a machine with little on it.
#
#   environment_make DIRECTORY LOCK [PROJECT]  a virtual environment with exactly what LOCK names; with PROJECT, a folder, that
#                                              project too, editable (which writes into the folder)
#   environment_package COMMAND PACKAGE        COMMAND is there, or is installed from the distribution's PACKAGE if that is allowed
#
# Messages go to standard error and begin with the calling script's name. Variables that may be set beforehand:
#   PYTHON   the interpreter to use instead of the newest one found

environment_say() { echo "${0##*/}: $*" >&2; }

# A command's path. Programs for administrators often are not on an ordinary user's search path.
environment_find() { PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1"; }

# Python 3.11 or later: the newest one that the locks are checked with, else whatever python3 is. One that can make virtual
# environments goes before a newer one that first needs a package.
environment_python() {
  local candidate modules candidates=(python3.13 python3.12 python3.11 python3)
  if [ -n "${PYTHON:-}" ]; then candidates=("$PYTHON"); fi
  for modules in 'sys, venv, ensurepip' sys; do
    for candidate in "${candidates[@]}"; do
      # It must run, not merely be found: version managers leave wrappers for versions that are not installed.
      if "$candidate" -c "import $modules; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1; then
        command -v "$candidate"
        return
      fi
    done
  done
  environment_say "Python 3.11 or later is needed, and ${PYTHON:-python3} is not that. Install it (Debian 12, Ubuntu 24.04," \
    "Raspberry Pi OS 12: apt-get install python3 python3-venv) or name one: PYTHON=/path/to/python3.11 $0"
  return 1
}

# Run a command as root if that needs no password.
environment_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

environment_may_install() {
  environment_find apt-get >/dev/null && environment_as_root true
}

environment_apt() {
  # A fresh machine often is busy with its first updates; they end.
  environment_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}

environment_install() {
  environment_say "installing $* with apt-get"
  # The list of packages of a fresh machine is empty or old; an old one is good enough if the package installs from it. One
  # source that cannot be reached does not matter if another one has the package.
  environment_apt install -y --no-install-recommends "$@" 2>/dev/null ||
    { environment_apt update || true; environment_apt install -y --no-install-recommends "$@"; }
}

environment_package() {
  environment_find "$1" >/dev/null && return
  if environment_may_install && environment_install "$2"; then
    environment_find "$1" >/dev/null && return
  fi
  environment_say "$1 is missing. Install it with: apt-get install $2 (as root)"
  return 1
}

# Debian and its relatives ship Python without what makes virtual environments.
environment_venv_module() {
  local python=$1 version
  "$python" -c 'import venv, ensurepip' 2>/dev/null && return
  version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if environment_may_install && environment_install "$version" && "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    return
  fi
  environment_say "$python cannot make virtual environments. Install what is missing with: apt-get install $version (as root)"
  return 1
}

# pip's lines are many and long. In their place one line that counts on a terminal, and a line now and then elsewhere.
environment_progress() {
  local total=$1 count=0 line said=''
  while read -r line; do
    case $line in
      Ignoring\ *) total=$((total - 1)) ;;
      Collecting\ *)
        count=$((count + 1))
        said=${line#Collecting }
        said="fetching $count of $total: ${said%%[=<>; ]*}"
        ;;
      Downloading\ *\(*) said="${said%% (*} (${line##*\(}" ;;
      Installing\ *) said="installing $count packages" ;;
      *) continue ;;
    esac
    if [ -t 2 ]; then
      printf '\r\033[K%s: %s' "${0##*/}" "$said" >&2
    elif [[ $line == Installing* || ($line == Collecting* && $((count % 10)) = 0) ]]; then
      environment_say "$said"
    fi
  done
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

environment_pip() { "$1" -m pip install --disable-pip-version-check --no-input "${@:2}"; }

environment_make() {
  local directory=$1 lock=$2 project=${3:-} python key marker
  python=$(environment_python) || return 1
  key=$("$python" - "$directory" "$project" "$lock" ${project:+"$project/pyproject.toml"} <<'PYTHON'
import hashlib, pathlib, sys

parts = [sys.version.encode(), sys.executable.encode(), *map(str.encode, sys.argv[1:3])]
parts += [pathlib.Path(name).read_bytes() for name in sys.argv[3:]]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
PYTHON
  ) || return 1
  marker="$directory/.countermark"
  mkdir -p "$(dirname "$directory")" || return 1
  (
    set -o pipefail
    # Two runs at once would take each other's environment apart.
    if command -v flock >/dev/null; then
      exec 9>"$directory.lock" || exit 1
      flock -n 9 || { environment_say "waiting for another run that is making $directory" && flock 9; }
    fi
    [ "$(cat "$marker" 2>/dev/null)" = "$key" ] && exit 0
    if [ -e "$directory" ] && [ ! -e "$marker" ]; then
      environment_say "$directory is there, but was not made by this program. Move it away and try again."
      exit 1
    fi
    environment_venv_module "$python" || exit 1
    environment_say "making the virtual environment $directory (once; $("$python" -V))"
    # Whenever this is killed, either the directory is whole and has its marker, empty until it is complete, or it is not there.
    rm -rf "$directory.old" "$directory.new"
    if [ -e "$directory" ]; then mv "$directory" "$directory.old" && rm -rf "$directory.old" || exit 1; fi
    mkdir "$directory.new" && : >"$directory.new/.countermark" && mv "$directory.new" "$directory" || exit 1
    "$python" -m venv "$directory" &&
      environment_pip "$directory/bin/python" --require-hashes --only-binary :all: --requirement "$lock" |
      environment_progress "$(grep -c '^[^ #]*==' "$lock")" &&
      { [ -z "$project" ] ||
        environment_pip "$directory/bin/python" --quiet --no-deps --no-build-isolation --no-index --editable "$project"; } || {
      environment_say "the virtual environment could not be made; the reason stands above. Try again when it is mended."
      exit 1
    }
    echo "$key" >"$marker"
  )
}
