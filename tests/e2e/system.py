"""A whole Guestlist in processes of its own, and a sandbox site beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from guestlist.sandbox.site.server import SandboxSite

SECRET = "WORDOFTHESHOP"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class System:
    """Starts `web` and `worker` processes on one database; every process is ended by `close`."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = {**env, "GUESTLIST_LOG_LEVEL": "WARNING"}
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def command(self, *words: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "guestlist", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *words: str) -> Any:
        done = self.command(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{words[0]}-{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "guestlist", *words], env=self.env, stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        self.processes.append(process)
        return process

    def web(self) -> subprocess.Popen[bytes]:
        process = self.start("web", "--port", str(self.port))
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx2.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return process
            except httpx2.TransportError:
                pass
            assert time.monotonic() < deadline, self.logs()
            assert process.poll() is None, self.logs()
            time.sleep(0.1)

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker")

    def settle(self, seconds: int = 60) -> None:
        done = self.command("wait", "--timeout", str(seconds), timeout=seconds + 30)
        assert done.returncode == 0, f"{done.stderr}\n{self.logs()}"

    def apply(self, text: str) -> None:
        path = self.folder / "guestlist.toml"
        path.write_text(text)
        done = self.command("apply", str(path))
        assert done.returncode == 0, done.stderr

    def post(self, body: bytes, content_type: str = "application/x-www-form-urlencoded", cart: str = "shop") -> int:
        headers = {"Content-Type": content_type}
        return httpx2.post(f"{self.url}/hooks/{cart}", content=body, headers=headers, trust_env=False).status_code

    def logs(self) -> str:
        return "\n".join(f"{path.name}:\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait(5)


def site_block(site: SandboxSite, name: str = "academy", path: str = "") -> str:
    return f"""
[[sites]]
id = "{name}"
kind = "memberpress"
url = "{site.url}{path}"
api_key = "{site.key}"
allow_private_address = true
"""


def cart_block(mode: str = "live") -> str:
    return f"""
[[carts]]
id = "shop"
kind = "thrivecart"
secret = "{SECRET}"
mode = "{mode}"
"""


def rule_block(item: str, *grants: str, **fields: object) -> str:
    targets = ", ".join('{{ site = "{}", level = "{}" }}'.format(*grant.split("/")) for grant in grants)
    extra = "\n".join(f"{name} = {json.dumps(value)}" for name, value in fields.items())
    return f'\n[[rules]]\ncart = "shop"\nitem = "{item}"\ngrants = [ {targets} ]\n{extra}\n'


def access(site: SandboxSite, name: str = "") -> dict[str, dict[int, str | None]]:
    """What each member (not the site's own staff) has now: level -> last day."""
    return {
        person["email"]: {entry["membership"]: entry["until"] for entry in person["access"]}
        for person in site.state(name)["members"]
        if person["role"] == "subscriber"
    }
