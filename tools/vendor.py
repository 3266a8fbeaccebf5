"""Fetches the dashboard's style sheet, htmx and icons from their npm packages, with checksums.

    python tools/vendor.py            fetch again (needs npm; checks what was fetched against the pins below)
    python tools/vendor.py --check    are the stored files those of the list?

What browsers get is stored compressed beside the plain file, because the server compresses nothing at run time.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/guestlist/dashboard/static/vendor"
LIST = TARGET / "SHA256SUMS"


@dataclass(frozen=True)
class Package:
    """An npm package: what is taken from it, and the checksum of its archive."""

    name: str
    version: str
    sha256: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "@tabler/core",
        "1.6.1",
        "d02d679e51f6c179b21f035e154c13cdcb2ae8b18579e56ea606408ba7fc7a87",
        {"dist/css/tabler.min.css": "tabler-1.6.1/tabler.min.css"},
    ),
    Package(
        "htmx.org",
        "2.0.11",
        "165a2655073e9e6e55e307a7c74e8ebcdb76afb7701f9c16cfd106a13add408e",
        {"dist/htmx.min.js": "htmx-2.0.11/htmx.min.js", "LICENSE": "htmx-2.0.11/LICENSE"},
    ),
)
ICON_PACKAGE = Package(
    "@tabler/icons",
    "3.51.0",
    "b30108713d3fa60aee862c2a133225da8e0f309be0708fe2925763ff810c766c",
    {"LICENSE": "tabler-icons-3.51.0/LICENSE"},
)
SPRITE = "tabler-icons-3.51.0/icons.svg"
ICONS = """
activity alert-circle alert-triangle arrow-back-up arrow-down arrow-left arrow-right arrow-up ban bell box
calendar chart-bar check chevron-down chevron-left chevron-right circle-check circle-dashed clipboard clock copy
credit-card dots download edit external-link eye file-text filter flask gift history home hourglass info-circle
key language lifebuoy link list-check lock logout mail menu-2 message moon package player-pause player-play plug
plug-connected plus receipt refresh search send settings shield shield-lock shopping-cart sun table trash user
user-check user-minus user-off user-plus users webhook world x
""".split()  # noqa: SIM905  a list of words is read most easily as words


def main() -> int:
    """Fetch or check; 1 = the files are not what they should be."""
    if sys.argv[1:] == ["--check"]:
        return _check()
    for package in PACKAGES:
        _take(package)
    _make_sprite(_take(ICON_PACKAGE))
    LIST.write_text("".join(f"{_sha256(path.read_bytes())}  {path.relative_to(TARGET)}\n" for path in _stored()))
    return 0


def _check() -> int:
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in LIST.read_text().splitlines())}
    found = {str(path.relative_to(TARGET)): _sha256(path.read_bytes()) for path in _stored()}
    if listed == found:
        return 0
    for name in sorted(listed.keys() ^ found.keys() | {name for name in listed if listed[name] != found.get(name)}):
        print(f"{name} is not what {LIST.relative_to(ROOT)} says: run tools/vendor.py", file=sys.stderr)
    return 1


def _stored() -> list[Path]:
    return sorted(path for path in TARGET.rglob("*") if path.is_file() and path != LIST)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _take(package: Package) -> dict[str, bytes]:
    """Store a package's files; returns all files of its archive by path."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", f"{package.name}@{package.version}"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (archive,) = Path(folder).glob("*.tgz")
        if _sha256(archive.read_bytes()) != package.sha256:
            raise SystemExit(f"{package.name} {package.version} is not the archive that was pinned")
        with tarfile.open(archive) as packed:
            members = {info.name.removeprefix("package/"): packed.extractfile(info) for info in packed if info.isfile()}
            content = {name: file.read() for name, file in members.items() if file is not None}
    for source, target in package.files.items():
        _store(TARGET / target, content[source])
    return content


def _make_sprite(content: dict[str, bytes]) -> None:
    """One file with all icons in use, each a <symbol> that pages refer to."""
    symbols = []
    for name in ICONS:
        svg = content[f"icons/outline/{name}.svg"].decode()
        drawn = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
        if drawn is None:
            raise SystemExit(f"icon {name} is not drawn as expected")
        lines = [line.strip() for line in drawn[1].splitlines() if line.strip() and 'd="M0 0h24v24H0z"' not in line]
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(lines)}</symbol>\n')
    sprite = f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n'
    _store(TARGET / SPRITE, sprite.encode())


def _store(path: Path, data: bytes) -> None:
    import brotli

    # The maps that some packages name are not stored, and browsers would ask for them.
    data = re.sub(rb"\n?/[/*]# sourceMappingURL=\S+( \*/)?\n?$", b"\n", data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if path.suffix in (".css", ".js", ".svg"):
        Path(f"{path}.br").write_bytes(brotli.compress(data, quality=11))
        Path(f"{path}.gz").write_bytes(gzip.compress(data, 9, mtime=0))


if __name__ == "__main__":
    sys.exit(main())
