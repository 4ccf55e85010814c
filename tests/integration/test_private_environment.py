"""What deploy/demo and tests/run stand on: deploy/environment.sh, run by a real bash with a real Python, without a network."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "environment.sh"
BASH = shutil.which("bash") or "/bin/bash"


class Ground:
    """An empty place with one package to install and a lock that names it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.directory = place / "a folder" / "venv"
        self.lock = place / "one.lock"
        self.packages = place / "packages"
        self.packages.mkdir()
        self.name_in_lock("1.0")

    def name_in_lock(self, version: str) -> None:
        wheel = self.packages / f"thing-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("thing.py", f"version = {version!r}\n")
            about = f"thing-{version}.dist-info"
            archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
            archive.writestr(
                f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            archive.writestr(f"{about}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        self.lock.write_text(f"thing=={version} \\\n    --hash=sha256:{digest}\n")

    def bash(
        self, commands: str, *, python: str = sys.executable, path: str = os.environ["PATH"]
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": path,
            "PYTHON": python,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.packages),
            "HOME": str(self.place),
        }
        return subprocess.run(
            [BASH, "-c", f'. "{SCRIPT}"; {commands}', "demo"],
            env=environment,
            cwd=self.place,
            capture_output=True,
            text=True,
            check=False,
        )

    def make(self) -> subprocess.CompletedProcess[str]:
        return self.bash(f'environment_make "{self.directory}" "{self.lock}"')

    def installed(self) -> str:
        command = [str(self.directory / "bin" / "python"), "-c", "import thing; print(thing.version)"]
        shown: str = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return shown.strip()

    def left_over(self) -> set[str]:
        return {path.name for path in self.directory.parent.iterdir()} - {"venv", "venv.lock"}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A place where an environment was made before; it takes seconds, so the tests pass it on to each other."""
    ground = Ground(tmp_path_factory.mktemp("made"))
    making = ground.make()
    assert making.returncode == 0, making.stderr
    return ground


def test_an_unchanged_lock_leaves_the_environment_as_it_is(made: Ground) -> None:
    before = made.directory.stat().st_ino
    again = made.make()
    assert (again.returncode, again.stderr, made.directory.stat().st_ino) == (0, "", before)


def test_a_changed_lock_makes_the_environment_anew(made: Ground) -> None:
    made.name_in_lock("2.0")
    made.make()
    assert (made.installed(), made.left_over()) == ("2.0", set())


@pytest.mark.parametrize(
    "left_behind",
    [
        "rm venv/bin/python; : >venv/.countermark",  # while it was filled
        "mv venv venv.old; rm -rf venv.old/lib",  # while the one before was put away
        "rm -rf venv; mkdir venv.new",  # before the new one had its mark
        "rm -rf venv; mkdir venv.new; : >venv.new/.countermark",  # before it had its name
    ],
)
def test_an_environment_killed_in_its_making_is_made_anew(made: Ground, left_behind: str) -> None:
    expected = made.installed()
    subprocess.run([BASH, "-c", left_behind], cwd=made.directory.parent, check=True)
    again = made.make()
    assert (again.returncode, made.installed(), made.left_over()) == (0, expected, set()), again.stderr


def test_a_folder_of_somebody_else_is_never_removed(ground: Ground) -> None:
    ground.directory.mkdir(parents=True)
    (ground.directory / "accounts.csv").write_text("dear to somebody")
    refused = ground.make()
    assert refused.returncode == 1
    assert "was not made by this program" in refused.stderr
    assert (ground.directory / "accounts.csv").read_text() == "dear to somebody"


def test_a_package_that_is_not_the_one_of_the_lock_is_refused(ground: Ground) -> None:
    wheel = next(ground.packages.iterdir())
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("worm.py", "")
    refused = ground.make()
    assert refused.returncode == 1
    assert "DO NOT MATCH" in refused.stderr
    assert ground.make().returncode == 1  # and what it left is not taken for a whole one


def test_two_runs_at_once_make_one_environment(ground: Ground) -> None:
    make = f'environment_make "{ground.directory}" "{ground.lock}"'
    both = ground.bash(f"{make} & {make}; first=$?; wait $! && exit $first")
    assert both.returncode == 0, both.stderr
    assert both.stderr.count("making the virtual environment") == 1


def test_a_python_without_its_venv_module_is_told_the_package(ground: Ground) -> None:
    python = ground.place / "python3"
    # A stand-in for Debian's Python as it is shipped: all there, but for ensurepip.
    python.write_text(f'#!{BASH}\ncase "$2" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    tools = ground.place / "tools"  # a search path without apt-get and sudo
    tools.mkdir()
    for tool in ("mkdir", "dirname", "cat", "flock", "rm", "mv", "grep", "id"):
        found = shutil.which(tool)
        assert found is not None, tool
        (tools / tool).symlink_to(found)
    refused = ground.bash(
        f"environment_find() {{ command -v $1; }}; environment_make '{ground.directory}' '{ground.lock}'",
        python=str(python),
        path=str(tools),
    )
    version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert refused.returncode == 1
    assert refused.stderr == (
        f"demo: {python} cannot make virtual environments. Install what is missing with: apt-get install {version} (as root)\n"
    )


def test_no_python_is_one_clear_line(ground: Ground) -> None:
    refused = ground.bash("environment_python", python="/nowhere/python3.11")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "demo: Python 3.11 or later is needed, and /nowhere/python3.11 is not that."
    )
    assert refused.stderr.count("\n") == 1


def test_the_demo_says_where_it_cannot_write(tmp_path: Path) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHON": sys.executable,
        "COUNTERMARK_DEMO_HOME": f"{obstacle}/demo",
    }
    refused = subprocess.run(
        [ROOT / "deploy" / "demo"], env=environment, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert f"{obstacle}/demo cannot be written" in refused.stderr
