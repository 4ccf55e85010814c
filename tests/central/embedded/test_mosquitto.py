"""The configuration that is written for a Mosquitto."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from central.embedded.mosquitto import ConfigurationError, MosquittoPaths, access_list, configuration

DELIVERED = Path(__file__).resolve().parents[3] / "deploy" / "mosquitto"
PLACE = PurePosixPath("/etc/mosquitto")
PATHS = MosquittoPaths(
    access_list=PLACE / "conf.d" / "countermark.acl",
    ca_file=PLACE / "ca_certificates" / "countermark-ca.pem",
    certificate_file=PLACE / "certs" / "broker.pem",
    key_file=PLACE / "certs" / "broker.key",
)


def test_the_delivered_configuration_is_what_the_program_writes() -> None:
    assert (DELIVERED / "countermark.conf").read_text() == configuration(PATHS)


def test_the_delivered_access_list_is_what_the_program_writes() -> None:
    assert (DELIVERED / "countermark.acl").read_text() == access_list()


def test_every_identity_of_central_has_the_project_and_no_more() -> None:
    text = access_list(["central", "central-b"])
    assert text.endswith(
        "user central\ntopic readwrite countermark/1/#\n\nuser central-b\ntopic readwrite countermark/1/#\n"
    )


def test_the_access_list_knows_eight_central_processes() -> None:
    users = [line for line in access_list().split("\n") if line.startswith("user ")]
    assert users == ["user central", *(f"user central-{number}" for number in range(2, 9))]


def test_the_listener_may_be_bound_to_one_address() -> None:
    assert "\nlistener 1234 127.0.0.1\n" in configuration(PATHS, port=1234, bind_address="127.0.0.1")


@pytest.mark.parametrize("path", ["broker.key", "/etc/broker.key\nallow_anonymous true"])
def test_a_path_that_is_not_absolute_or_would_add_a_line_is_refused(path: str) -> None:
    paths = MosquittoPaths(PATHS.access_list, PATHS.ca_file, PATHS.certificate_file, PurePosixPath(path))
    with pytest.raises(ConfigurationError, match="expected an absolute path"):
        configuration(paths)
