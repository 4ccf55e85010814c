# Sourced by tests/run and deploy/demo: a private virtual environment from a lock file, on a machine with little on it.
#
#   environment_make DIRECTORY LOCK   a virtual environment with exactly what LOCK names, and this project itself
#   environment_package COMMAND PACKAGE  COMMAND is there, or is installed from the distribution's PACKAGE if that is allowed
#
# Messages go to standard error and begin with the calling script's name. Variables that may be set beforehand:
#   PYTHON   the interpreter to use instead of the newest one found

environment_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

environment_say() { echo "${0##*/}: $*" >&2; }

# A command's path. Programs for administrators often are not on an ordinary user's search path.
environment_find() { PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1"; }

# Python 3.11 or later: the newest one that the locks are checked with, else whatever python3 is.
environment_python() {
  local candidate
  for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    # It must run, not merely be found: version managers leave wrappers for versions that are not installed.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
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

environment_install() {
  environment_say "installing $* with apt-get"
  # The list of packages of a fresh machine is empty or old; an old one is good enough if the package installs from it.
  environment_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null 2>&1 ||
    { environment_as_root apt-get update -qq >/dev/null &&
      environment_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null; }
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

environment_make() {
  local directory=$1 lock=$2 python key marker
  python=$(environment_python) || return 1
  key=$("$python" - "$environment_root" "$lock" "$environment_root/pyproject.toml" <<'PYTHON'
import hashlib, pathlib, sys

parts = [sys.version.encode(), sys.executable.encode(), sys.argv[1].encode()]
parts += [pathlib.Path(name).read_bytes() for name in sys.argv[2:]]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())
PYTHON
  ) || return 1
  marker="$directory/.countermark"
  mkdir -p "$(dirname "$directory")" || return 1
  (
    # Two runs at once would take each other's environment apart.
    if command -v flock >/dev/null; then exec 9>"$directory.lock" && flock 9; fi
    [ "$(cat "$marker" 2>/dev/null)" = "$key" ] && exit 0
    if [ -e "$directory" ] && [ ! -e "$marker" ]; then
      environment_say "$directory is there, but was not made by this program. Move it away and try again."
      exit 1
    fi
    environment_venv_module "$python" || exit 1
    environment_say "making the virtual environment $directory (once; $("$python" -V))"
    rm -rf "$directory" && mkdir "$directory" && : >"$marker" || exit 1
    "$python" -m venv "$directory" &&
      "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --only-binary :all: --requirement "$lock" &&
      "$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --no-deps --no-build-isolation --no-index --editable "$environment_root" || {
      environment_say "the virtual environment could not be made; the reason stands above. Try again when it is mended."
      exit 1
    }
    echo "$key" >"$marker"
  )
}
