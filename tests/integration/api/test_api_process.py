"""The process and the commands, as an operator starts them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.services import free_port

COMMAND = [sys.executable, "-c", "from central.commands import app; app()"]
WAIT_S = 60


@pytest.fixture
def config(migrated_url: str, tmp_path: Path) -> Path:
    """A configuration over a migrated database, with a broker that is away."""
    return write_config(tmp_path, migrated_url)


def write_config(directory: Path, url: str, more: str = "") -> Path:
    """A configuration in a directory."""
    path = directory / "central.toml"
    path.write_text(
        f'[database]\nurl = "{url}"\n[http]\nport = 0\n[broker]\nport = {free_port()}\n'
        f'[authority]\ndirectory = "{directory / "authority"}"\n{more}'
    )
    return path


def central(*arguments: str | Path, config: Path) -> subprocess.CompletedProcess[str]:
    """A command, run to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments), "--config", str(config)],
        capture_output=True, text=True, timeout=WAIT_S, check=False, env=environment(),
    )  # fmt: skip


def environment() -> dict[str, str]:
    """Without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERMARK_")}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "dumb"}


@contextmanager
def running(config: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A central that listens, and what it said when it did."""
    process = subprocess.Popen(
        [*COMMAND, "run", "--json", "--config", str(config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)
    finally:
        process.terminate()
        process.communicate(timeout=WAIT_S)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_central_says_where_it_listens_and_ends_in_order(config: Path, ending: signal.Signals) -> None:
    with running(config) as (process, said):
        alive = httpx.get(f"{said['url']}/healthz").json()["status"]
        process.send_signal(ending)
        process.wait(WAIT_S)
    assert (alive, process.returncode) == ("alive", 0)


def test_a_broker_that_is_away_is_told_by_readyz_and_stops_nothing_else(config: Path) -> None:
    with running(config) as (_, said):
        answer = httpx.get(f"{said['url']}/readyz")
    assert (
        answer.status_code,
        answer.json()["database"],
        "cannot be reached" in answer.json()["broker"],
    ) == (
        503,
        "ok",
        True,
    )


def test_a_database_that_is_away_is_told_by_readyz_and_by_every_request(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"postgresql://nobody:hush@127.0.0.1:{free_port()}/none")
    with running(config) as (process, said):
        ready = httpx.get(f"{said['url']}/readyz", timeout=WAIT_S)
        headers = {"Authorization": "Bearer cmk_x"}
        asked = httpx.get(f"{said['url']}/v1/sites", headers=headers, timeout=WAIT_S)
        process.terminate()
        _, errors = process.communicate(timeout=WAIT_S)
    assert [ready.status_code, asked.status_code] == [503, 503]
    assert asked.json()["detail"] == "the database is not available; try again in a moment"
    assert ("nothing listens there" in errors, "hush" in errors + ready.text + asked.text) == (True, False)


def test_a_port_that_is_taken_is_one_clear_line(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
        ended = central("run", config=config)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"http.port {port}: Address already in use; choose another" in ended.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://root@localhost/x", "expected postgresql://user:password@host:5432/database"),
        ("postgresql://nobody:hush@127.0.0.1:1/none", "nothing listens there"),
    ],
)
@pytest.mark.parametrize(
    "command", [("migrate",), ("status",), ("tokens", "list"), ("config", "check", "--connect")]
)
def test_a_wrong_database_url_is_one_clear_line(
    tmp_path: Path, url: str, words: str, command: tuple[str, ...]
) -> None:
    ended = central(*command, config=write_config(tmp_path, url))
    assert (ended.returncode, ended.stderr.count("\n"), "hush" in ended.stderr) == (1, 1, False)
    assert words in ended.stderr


def test_a_database_without_a_schema_is_told_what_to_run(empty_database_url: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, empty_database_url)
    before = central("status", config=config)
    migrated = central("migrate", config=config)
    after = central("status", "--json", config=config)
    assert (before.returncode, "run: countermark-central migrate" in before.stderr) == (1, True)
    assert (migrated.returncode, json.loads(after.stdout)["stock_agrees_with_movements"]) == (0, True)


def test_a_file_with_bad_lines_names_them_and_imports_the_rest(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_bytes(
        b"gtin,name,list_price\n"
        b"0000000005081,Water,2.50\n"
        b"0000000005082,Wrong digit,2.50\n"
        b'0000000018388,"Never closed,18.00\n'
        b"4006381333931,Too dear,1.234\n"
        b"4006381333931,\xff\xfe,1.00\n"
        b"0000000005081,Twice,9.00\n"
        b"0000000018388,Tea,18.00\n"
    )
    ended = central("import", "products", file, config=config)
    named = [line.split(": ", 2)[1] for line in ended.stderr.splitlines()]
    again = json.loads(central("import", "products", file, "--json", config=config).stdout)
    assert ended.returncode == 1
    assert named == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    assert (again["imported"], again["changed"], len(again["faults"])) == (2, 0, 5)


def test_a_file_that_is_no_such_table_imports_nothing(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("ean,title\n1,2\n")
    wrong = central("import", "products", file, config=config)
    missing = central("import", "products", tmp_path / "none.csv", config=config)
    assert (wrong.returncode, "expected gtin,name" in wrong.stderr) == (1, True)
    assert (missing.returncode, "No such file" in missing.stderr) == (1, True)


def test_an_installation_is_set_up_from_files_alone(config: Path, tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(
        "site,name,kind,dealer,dealer_parent,serving_site,time_zone,currency\n"
        "D1,County shop,dealer,county,province,W1,Asia/Shanghai,CNY\n"
        "D2,Province shop,dealer,province,,W1,Asia/Shanghai,CNY\n"
        "W1,Warehouse,warehouse,,,,Asia/Shanghai,CNY\n"
        "X1,Nowhere,store,,,,Mars/Olympus,CNY\n"
    )
    (tmp_path / "products.csv").write_text("gtin,name,list_price\n0000000005081,Water,2.50\n")
    (tmp_path / "prices.csv").write_text(
        "price_list,gtin,price,currency,valid_from\ndefault,0000000005081,2.70,CNY,2030-01-01\n"
        "default,0000000018388,1.00,CNY,\n"
    )
    (tmp_path / "stock.csv").write_text(
        "site,gtin,quantity,reorder_point,order_up_to\nW1,0000000005081,100,,\nD1,0000000005081,2,3,9\n"
    )
    codes = [
        central("import", name, tmp_path / f"{name}.csv", config=config).returncode
        for name in ("sites", "products", "prices", "stock", "stock")
    ]
    token = central("tokens", "create", "boss", "--role", "brand", config=config).stdout.strip()
    joining = central("agents", "enrol", "--site", "D1", config=config).stdout.strip()
    with running(config) as (_, said):
        headers = {"Authorization": f"Bearer {token}"}
        stock = httpx.get(f"{said['url']}/v1/stock?site=D1&short=true", headers=headers).json()["items"]
        prices = httpx.get(f"{said['url']}/v1/prices", headers=headers).json()["items"]
        dealers = httpx.get(f"{said['url']}/v1/dealers", headers=headers).json()["items"]
    assert codes == [1, 0, 1, 0, 0]
    assert joining.startswith("cmk_")
    assert [(one["gtin"], one["on_hand"]) for one in stock] == [("00000000005081", "2")]
    assert [one["price_minor"] for one in prices] == [250, 270]
    assert {one["dealer"]: one["parent"] for one in dealers} == {
        "brand": None,
        "province": None,
        "county": "province",
    }


def test_tokens_are_made_listed_and_taken_back(config: Path) -> None:
    made = central("tokens", "create", "boss", "--role", "brand", config=config)
    twice = central("tokens", "create", "boss", "--role", "brand", config=config)
    unfit = central("tokens", "create", "shop", "--role", "store", config=config)
    strange = central("tokens", "create", "shop", "--role", "store", "--site", "NOSUCH", config=config)
    listed = json.loads(central("tokens", "list", "--json", config=config).stdout)
    revoked = central("tokens", "revoke", "boss", config=config)
    gone = central("tokens", "revoke", "boss", config=config)
    assert [one.returncode for one in (made, twice, unfit, strange, revoked, gone)] == [0, 1, 2, 1, 0, 1]
    assert [(one["name"], one["role"], "token" in one) for one in listed] == [("boss", "brand", False)]
    assert made.stdout.strip() not in central("tokens", "list", config=config).stdout


@pytest.mark.parametrize(
    "command",
    [
        (), ("run",), ("migrate",), ("status",), ("database",), ("broker",), ("config", "check"), ("import", "products"),
        ("import", "sites"), ("import", "prices"), ("import", "stock"), ("tokens", "create"), ("tokens", "list"),
        ("tokens", "revoke"), ("agents", "enrol"), ("agents", "list"), ("agents", "revoke"), ("authority", "init"), ("items", "hold"), ("items", "recall"), ("policy", "list"),
        ("policy", "set"), ("policy", "unset"), ("codes", "pack"),
    ],
)  # fmt: skip
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    from typer.testing import CliRunner

    from central.commands import app

    shown = CliRunner().invoke(app, [*command, "--help"])
    assert (shown.exit_code, "Usage:" in shown.stdout) == (0, True)


def test_the_authority_is_made_once_and_kept(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from central.commands import app

    first = CliRunner().invoke(app, ["authority", "init", "--dir", str(tmp_path / "ca"), "--json"])
    files = json.loads(first.stdout)
    before = {name: Path(path).read_bytes() for name, path in files.items()}
    CliRunner().invoke(app, ["authority", "init", "--dir", str(tmp_path / "ca"), "--json"])
    assert {name: Path(path).read_bytes() for name, path in files.items()} == before
    assert Path(files["central_key"]).stat().st_mode & 0o077 == 0


def test_a_batch_is_recalled_and_a_policy_set_from_the_command_line(config: Path, tmp_path: Path) -> None:
    codes = tmp_path / "codes.txt"
    codes.write_text("(01)00012345678905(21)A1\n")
    recalled = central(
        "items",
        "recall",
        "--gtin",
        "012345678905",
        "--batch",
        "B7",
        "--reason",
        "glass",
        "--json",
        config=config,
    )
    held = central("items", "hold", "--file", str(codes), "--reason", "look at it", "--json", config=config)
    unfit = central("items", "hold", "--gtin", "012345678905", "--reason", "x", config=config)
    assert json.loads(recalled.stdout)["changed"] == 0
    assert (held.returncode, json.loads(held.stdout)["unknown"]) == (1, 1)
    assert (unfit.returncode, "expected --gtin with --batch" in unfit.stderr) == (2, True)
    refused = central("policy", "set", "forged", "accept", "--reason", "x", config=config)
    assert (refused.returncode, "or --force" in refused.stderr) == (2, True)
    assert central("policy", "set", "wrong_site", "refuse", "--reason", "x", config=config).returncode == 0
    [kept] = json.loads(central("policy", "list", "--json", config=config).stdout)["items"]
    assert (kept["verdict"], kept["action"]) == ("wrong_site", "refuse")
    assert "safe default" in central("policy", "list", config=config).stdout
    gone = [
        central("policy", "unset", "wrong_site", "--reason", "x", config=config).returncode for _ in range(2)
    ]
    assert gone == [0, 1]


def test_a_packing_list_is_packed_from_the_command_line(config: Path, tmp_path: Path) -> None:
    packing = tmp_path / "packing.csv"
    packing.write_text("sscc,child\n123,x\n")
    done = central("codes", "pack", str(packing), config=config)
    assert (done.returncode, "line 2: sscc '123'" in done.stderr, "0 items" in done.stdout) == (1, True, True)
