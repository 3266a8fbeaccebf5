"""What may stand between Guestlist and a site: certificates, caches, firewalls, redirects; in front of a sandbox."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guestlist.sandbox.site.server import SandboxSite
from unit.memberpress.raw_site import RawSite

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Asked:
    """A request as it arrives at the front."""

    method: str
    target: str
    body: str

    def names(self, *words: str) -> bool:
        text = f"{unquote(self.target)} {self.body}"
        return any(word in text for word in words)


# The answer in the site's place, byte for byte; None = the site may answer.
Spoil = Callable[[Asked], bytes | None]


class Front:
    """Lets everything through to the site, until told otherwise."""

    def __init__(self, site: SandboxSite, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.spoil: Spoil = _let_through
        self._site = urlsplit(site.url).netloc
        self._released = threading.Event()
        self._countdown: tuple[int, Callable[[], None]] | None = None
        self._lock = threading.Lock()
        self._raw = RawSite(self._say, context)
        self.url = self._raw.url

    def close(self) -> None:
        self._released.set()
        self._raw.close()

    def after(self, requests: int, happens: Callable[[], None]) -> None:
        """So many more requests get through; then something happens."""
        self._countdown = (len(self.asked) + requests, happens)

    def hang(self) -> bytes:
        """Never answer (to be called by `spoil`)."""
        self._released.wait(60)
        return b""

    def _say(self, request: bytes) -> bytes | None:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        asked = Asked(method, target, body.decode())
        with self._lock:
            if self._countdown is not None and len(self.asked) >= self._countdown[0]:
                happens, self._countdown = self._countdown[1], None
                happens()
            self.asked.append(asked)
        answer = self.spoil(asked)
        return self._pass_on(asked, body, dict(line.split(": ", 1) for line in lines)) if answer is None else answer

    def _pass_on(self, asked: Asked, body: bytes, headers: dict[str, str]) -> bytes | None:
        connection = http.client.HTTPConnection(self._site, timeout=60)
        try:
            connection.request(asked.method, asked.target, body or None, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            content = answer.read()
        except (http.client.HTTPException, OSError):
            return None  # as a web server does whose application broke off
        finally:
            connection.close()
        kept = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _HOP]
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *kept, f"Content-Length: {len(content)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + content


def _let_through(asked: Asked) -> bytes | None:
    return None


class Authority:
    """A certificate authority of the test's own, trusted by whoever has its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of one test")])
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._signed(self._name, self._key, names=None).public_bytes(serialization.Encoding.PEM))

    def load(self, context: ssl.SSLContext, *, host: str = "127.0.0.1", days: int = 30, signed: bool = True) -> None:
        """Give a server a certificate for a host; `days` < 0: one that has run out; not `signed`: by itself only."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._signed(subject, key, names=[_name(host)], days=days, by_authority=signed)
        pem = self._folder / f"{host}-{days}-{signed}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(pem)

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        names: list[x509.GeneralName] | None,
        days: int = 30,
        by_authority: bool = True,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name if by_authority else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key if by_authority else key, hashes.SHA256())


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
