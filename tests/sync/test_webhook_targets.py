"""Where webhooks may go: nothing inside, whatever a name says and however often it changes its mind."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from core.db import Database
from core.settings import Settings
from sync import webhook_targets
from sync.webhook_targets import Refused, Targets
from tests.conftest import new_database
from tests.sync.webhook_ground import Ground, ground
from tests.sync.webhook_target import Target, target

INSIDE = (
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "64:ff9b::10.0.0.1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "fc00::1",
    "fd12::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
)
OUTSIDE = ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1")


class Names:
    """A resolver that gives one answer after the other, and the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """What is said here is the same on both databases."""
    with new_database(request, tmp_path, "sqlite") as opened:
        yield opened


@pytest.fixture
def here(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Ground]:
    with ground(database, redis_url, tmp_path) as made:
        yield made


@pytest.fixture
def strict(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Ground]:
    """An installation that allows no network inside."""
    with ground(database, redis_url, tmp_path, webhook_allow_networks="", webhook_allow_http=True) as made:
        yield made


@pytest.fixture
def there() -> Iterator[Target]:
    with target() as running:
        yield running


def check(url: str, names: Names | None = None, targets: Targets | None = None) -> None:
    asyncio.run((targets or Targets()).check(url, names))


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_taken_as_it_is_or_behind_a_name(address: str) -> None:
    host = f"[{address.partition('%')[0]}]" if ":" in address else address
    with pytest.raises(Refused):
        check(f"https://{host}/hook")
    with pytest.raises(Refused):
        check("https://erp.example/hook", Names([address]))
    with pytest.raises(Refused):
        check("https://erp.example/hook", Names(["8.8.8.8", address]))


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_taken(address: str) -> None:
    check("https://erp.example/hook", Names([address]))


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_other_spellings_of_an_address_inside_are_that_address(host: str) -> None:
    with pytest.raises(Refused):
        check(f"https://{host}/hook")


def test_only_what_is_allowed_is_allowed() -> None:
    allowed = Targets(
        Settings.model_validate({"webhook_allow_networks": "10.1.0.0/16, fd00::/8"}).webhook_allow_networks
    )
    for address in ("10.1.2.3", "fd00::1", "::ffff:10.1.2.3", "8.8.8.8"):
        check("https://erp.example/", Names([address]), allowed)
    check("http://erp.example/", Names(["10.1.2.3"]), allowed)
    for scheme, address in (("https", "10.2.0.1"), ("https", "127.0.0.1"), ("http", "8.8.8.8")):
        with pytest.raises(Refused):
            check(f"{scheme}://erp.example/", Names([address]), allowed)
    with pytest.raises(Refused):
        check("http://erp.example/", Names(["8.8.8.8"]))
    check("http://erp.example/", Names(["8.8.8.8"]), Targets(http=True))


def test_a_name_that_changes_its_mind_reaches_nothing_inside(strict: Ground, there: Target) -> None:
    """Public when it is made, private when it is called: the second answer is judged as the first was."""
    url = there.url.replace("127.0.0.1", "erp.example")
    check(url, Names(["8.8.8.8"]), Targets(http=True))
    identity, _ = strict.subscribe(url)
    strict.happen("o1")
    strict.send(Names(["127.0.0.1"]))
    assert there.got == []
    [found] = strict.deliveries(identity)
    assert (found.state.value, found.error, found.status, found.tries) == ("due", "target_refused", None, 1)


def test_a_connection_goes_to_the_address_that_was_judged(here: Ground, there: Target) -> None:
    """The name is asked once for a request; what it says a moment later has no bearing on it."""
    url = there.url.replace("127.0.0.1", "erp.example")
    identity, _ = here.subscribe(url)
    here.happen("o1")
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    here.send(names)
    port = int(url.rpartition(":")[2].partition("/")[0])
    assert names.asked == [("erp.example", port)]
    assert [got.headers["Host"] for got in there.got] == [f"erp.example:{port}"]
    assert here.states(identity) == ["delivered"]
    here.happen("o2")
    here.send(names)
    assert len(there.got) == 1
    assert here.deliveries(identity)[1].error == "target_refused"


def test_the_next_address_is_tried_where_one_does_not_answer(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url.replace("127.0.0.1", "erp.example"))
    here.happen("o1")
    here.send(Names(["127.0.0.9", "127.0.0.1"]))
    assert here.states(identity) == ["delivered"]


def test_a_name_without_an_address_is_tried_again(here: Ground) -> None:
    async def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    identity, _ = here.subscribe("http://erp.example:8000/")
    here.happen("o1")
    here.send(unknown)
    assert here.deliveries(identity)[0].error == "unresolved"


def test_no_proxy_of_the_environment_is_used(here: Ground, there: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    here.subscribe(there.url)
    here.happen("o1")
    here.send()
    assert len(there.got) == 1


def test_tls_proves_the_name_and_not_the_address(here: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = certificate(tmp_path, "erp.example")
    monkeypatch.setattr(webhook_targets, "_certificates", lambda: ssl.create_default_context(cafile=str(trust)))
    with secure(tmp_path) as (port, names):
        good, _ = here.subscribe(f"https://erp.example:{port}/hook")
        bad, _ = here.subscribe(f"https://other.example:{port}/hook")
        here.happen("o1")
        here.send(Names(["127.0.0.1"]))
    assert sorted(names) == ["erp.example", "other.example"]
    assert here.states(good) == ["delivered"]
    assert here.deliveries(bad)[0].error == "tls"


def certificate(folder: Path, name: str) -> Path:
    """A certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    (folder / "trust.pem").write_bytes(pem)
    return folder / "trust.pem"


def _read_whole(connection: socket.socket) -> None:
    """A request with its body: what is left unread when a connection is closed resets it."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65_536)
    head, _, body = text.partition(b"\r\n\r\n")
    (length,) = (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65_536)


@contextmanager
def secure(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """A TLS server that says yes to everything: its port, and the names it was asked for."""
    names: list[str] = []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    _read_whole(connection)
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            except (ssl.SSLError, OSError):
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield int(listening.getsockname()[1]), names
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)
