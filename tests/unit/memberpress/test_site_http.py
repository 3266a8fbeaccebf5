"""The way out to sites: over real sockets, against servers that misbehave byte for byte."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from raw_site import RawSite, json_page, page

from guestlist.sites.contract import Attempt
from guestlist.sites.http import MAX_BODY_BYTES, Answer, Http, NoAnswer, Timeouts
from guestlist.sites.network import Fault, address_allowed

Start = Callable[..., RawSite]
SHORT = Timeouts(connect=2, read=0.3, create=0.6, total=1.0)


class Caller:
    """An `Http` with what it recorded."""

    def __init__(
        self, url: str, timeouts: Timeouts = SHORT, secrets: tuple[str, ...] = (), private: bool = True
    ) -> None:
        self.attempts: list[Attempt] = []
        self.http = Http(url, headers={"X-Key": "K"}, secrets=secrets, allow_private_address=private, timeouts=timeouts)

    def get(self, target: str = "/") -> Answer | NoAnswer:
        return self.http.request("GET", target, record=self.attempts.append)

    def post(self, body: bytes = b"{}") -> Answer | NoAnswer:
        return self.http.request("POST", "/", body=body, changes=True, record=self.attempts.append)


@pytest.fixture
def caller() -> Iterator[Callable[..., Caller]]:
    opened: list[Caller] = []

    def opener(*args: object, **options: object) -> Caller:
        opened.append(Caller(*args, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield opener
    for one in opened:
        one.http.close()


Open = Callable[..., Caller]


def test_an_answer_comes_whole_and_is_recorded(raw_site: Start, caller: Open) -> None:
    site = raw_site(lambda request: json_page('{"a":1}', "200 OK", "X-WP-TotalPages: 3"))
    one = caller(site.url)
    answer = one.post(b'{"b":2}')
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.is_json) == (200, b'{"a":1}', True)
    assert answer.headers["x-wp-totalpages"] == "3"
    [attempt] = one.attempts
    assert (attempt.method, attempt.path, attempt.status, attempt.excerpt) == ("POST", "/", 200, '{"a":1}')
    assert attempt.seconds >= 0
    assert attempt.at.tzinfo is UTC
    head, _, body = site.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"b":2}'
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST / HTTP/1.1"
    assert {"X-Key: K", f"Host: {site.host}", "User-Agent: Guestlist/0.1.0"} <= set(lines)


def test_connections_are_kept_and_shared_between_threads(raw_site: Start, caller: Open) -> None:
    site = raw_site(lambda request: json_page("{}"))
    one = caller(site.url)
    for _ in range(5):
        one.get()
    assert site.connections == 1
    threads = [threading.Thread(target=lambda: [one.get() for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(one.attempts) == 165
    assert {attempt.status for attempt in one.attempts} == {200}
    assert site.connections <= 9


def test_redirects_are_not_followed(raw_site: Start, caller: Open) -> None:
    elsewhere = raw_site(lambda request: json_page("{}"))
    site = raw_site(lambda request: page("", "302 Found", "text/html", f"Location: {elsewhere.url}/"))
    answer = caller(site.url).get()
    assert isinstance(answer, Answer)
    assert answer.status == 302
    assert elsewhere.requests == []


def test_proxies_from_the_environment_are_not_used(
    raw_site: Start, caller: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = raw_site(lambda request: json_page('"proxy"'))
    site = raw_site(lambda request: json_page('"site"'))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    answer = caller(site.url).get()
    assert isinstance(answer, Answer)
    assert answer.body == b'"site"'


@pytest.mark.parametrize("url", ["nonsense", "ftp://x.test", "http://", "http://a:b@x.test", "http://x.test:99999", ""])
def test_an_address_that_is_none_is_refused_in_words(caller: Open, url: str) -> None:
    result = caller(url).get()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.ADDRESS, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"])
def test_private_addresses_are_refused_before_anything_is_sent(raw_site: Start, caller: Open, host: str) -> None:
    site = raw_site(lambda request: json_page("{}"))
    one = caller(f"http://{host}:{site.host.partition(':')[2]}", private=False)
    result = one.post()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.ADDRESS, False)
    assert "private" in result.reason
    assert one.attempts[0].status is None
    assert site.connections == 0


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    caller: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    result = caller("http://mixed.test", private=False).get()
    assert isinstance(result, NoAnswer)
    assert result.fault is Fault.ADDRESS
    assert "10.0.0.1" in result.reason


def test_a_dead_address_does_not_hide_a_working_one(
    raw_site: Start, caller: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = raw_site(lambda request: json_page("{}"))
    port = int(site.host.partition(":")[2])
    resolve = socket.getaddrinfo

    def two(host: str, *args: object, **options: object) -> object:
        if host != "two.test":
            return resolve(host, *args, **options)  # type: ignore[call-overload]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    answer = caller(f"http://two.test:{port}").get()
    assert isinstance(answer, Answer)
    assert f"Host: two.test:{port}".encode() in site.requests[0]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:192.168.1.1",
        "2002:c0a8:0101::1",
        "64:ff9b::a00:1",
    ],
)
def test_no_private_or_special_address_counts_as_public(address: str) -> None:
    assert not address_allowed(address, allow_private=False)


def test_public_addresses_are_allowed_and_private_ones_where_the_owner_says_so() -> None:
    assert address_allowed("93.184.215.14", allow_private=False)
    assert address_allowed("2606:2800:21f:cb07:6820:80da:af6b:8b2c", allow_private=False)
    assert address_allowed("64:ff9b::5db8:d70e", allow_private=False)
    assert address_allowed("127.0.0.1", allow_private=True)
    assert address_allowed("::ffff:10.0.0.1", allow_private=True)
    assert not address_allowed("224.0.0.1", allow_private=True)


def test_a_refused_connection_was_not_sent(caller: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = caller(f"http://127.0.0.1:{port}").post()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.UNREACHABLE, False)
    assert "refuses" in result.reason


def test_an_unknown_name_was_not_sent(caller: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **options: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    result = caller("http://nowhere.test").post()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.UNKNOWN_HOST, False)
    assert "nowhere.test" in result.reason


def test_a_connection_closed_instead_of_an_answer_may_have_been_understood(raw_site: Start, caller: Open) -> None:
    site = raw_site(lambda request: None)
    result = caller(site.url).post()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.BROKEN, True)


def test_an_answer_cut_short_is_no_answer(raw_site: Start, caller: Open) -> None:
    answers = iter([b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", None])

    def cut(request: bytes) -> bytes | None:
        return next(answers)

    site = raw_site(cut)
    one = caller(site.url)
    result = one.post()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.TIMEOUT, True)


@pytest.mark.parametrize("said", [b"\x00\x01garbage\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n"])
def test_what_is_not_http_is_no_answer(raw_site: Start, caller: Open, said: bytes) -> None:
    result = caller(raw_site(lambda request: said).url).post()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.BROKEN, True)


def test_a_silent_site_ends_at_the_read_timeout(raw_site: Start, caller: Open) -> None:
    over = threading.Event()
    site = raw_site(lambda request: over.wait(10) and None)
    start = time.monotonic()
    result = caller(site.url).get()
    over.set()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.TIMEOUT, True)
    assert time.monotonic() - start < 5


def test_a_site_that_drips_its_answer_ends_at_the_total_timeout(caller: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                try:
                    for _ in range(100):
                        connection.sendall(b".")
                        time.sleep(0.1)
                except OSError:
                    pass

        thread = threading.Thread(target=drip)
        thread.start()
        start = time.monotonic()
        result = caller(f"http://127.0.0.1:{listener.getsockname()[1]}").get()
        assert time.monotonic() - start < 5
        thread.join()
    assert isinstance(result, NoAnswer)
    assert result.fault is Fault.TIMEOUT


def test_an_endless_answer_is_broken_off(raw_site: Start, caller: Open) -> None:
    site = raw_site(lambda request: page("x" * (MAX_BODY_BYTES + 1)))
    result = caller(site.url, timeouts=Timeouts()).get()
    assert isinstance(result, NoAnswer)
    assert result.fault is Fault.BROKEN
    assert "5 MB" in result.reason


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(days=2)).not_valid_after(now)
    certificate = builder.sign(key, hashes.SHA256())
    pem = tmp_path / "site.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_a_certificate_that_is_not_valid_is_named_and_nothing_is_sent(
    raw_site: Start, caller: Open, self_signed: ssl.SSLContext
) -> None:
    site = raw_site(lambda request: json_page("{}"), self_signed)
    result = caller(site.url).post()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.TLS, False)
    assert "certificate" in result.reason
    assert site.requests == []


def test_a_site_without_tls_at_an_https_address_is_a_tls_fault(caller: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(page("plain", "400 Bad Request"))

        thread = threading.Thread(target=refuse)
        thread.start()
        result = caller(f"https://127.0.0.1:{listener.getsockname()[1]}").get()
        thread.join()
    assert isinstance(result, NoAnswer)
    assert (result.fault, result.sent) == (Fault.TLS, False)


def test_secrets_never_reach_the_record(raw_site: Start, caller: Open) -> None:
    site = raw_site(lambda request: json_page('{"username":"S3/cr et","again":"S3\\/cr et"}'))
    one = caller(site.url, secrets=("S3/cr et",))
    answer = one.get("/?key=S3%2Fcr%20et")
    assert isinstance(answer, Answer)
    assert b"S3/cr et" in answer.body
    [attempt] = one.attempts
    assert attempt.path == "/?key=[secret]"
    assert attempt.excerpt == '{"username":"[secret]","again":"[secret]"}'


def test_stack_traces_are_cut_off(raw_site: Start, caller: Open) -> None:
    body = '{"code":"mp_db_create_error","message":"user_email () must be valid\\n\\n#0 /srv/www/secret-path.php(3)"}'
    one = caller(raw_site(lambda request: json_page(body, "500 Internal Server Error")).url)
    one.get()
    assert one.attempts[0].excerpt == '{"code":"mp_db_create_error","message":"user_email () must be valid'


def test_an_excerpt_of_a_page_is_its_words_and_short(raw_site: Start, caller: Open) -> None:
    html = f"<html><head><style>p{{}}</style><title>Oh no</title></head>\n\n<body><p>Caf&eacute; {'x' * 900}</body>"
    one = caller(raw_site(lambda request: page(html, "500 Internal Server Error")).url)
    one.get()
    excerpt = one.attempts[0].excerpt
    assert excerpt.startswith("Oh no Café xxx")
    assert len(excerpt) == 500


@pytest.mark.parametrize(
    ("value", "expected"),
    [("120", 120.0), ("0", 0.0), ("soon", None), ("", None), ("-5", None), ("999999999", 86400.0), ("1.5", None)],
)
def test_retry_after_in_seconds(value: str, expected: float | None) -> None:
    assert Answer(503, {"retry-after": value}, b"").retry_after == expected


def test_retry_after_as_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=300)
    seconds = Answer(503, {"retry-after": f"{moment:%a, %d %b %Y %H:%M:%S} GMT"}, b"").retry_after
    assert seconds is not None
    assert 290 < seconds <= 300
    assert Answer(503, {"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, b"").retry_after == 0
