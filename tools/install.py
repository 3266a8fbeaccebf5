"""Makes or renews `.venv`: the locked packages, then the project itself, editable.

Runs on the system's Python before anything is installed, so it needs nothing but the standard library and is written
for old Pythons too: they have to get as far as the message that says they are too old.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".installed"


def main() -> int:
    """Install what is missing; do nothing when all is as the lock wants it."""
    wanted = f"{ROOT}\n{_fingerprint()}\n"
    found = STAMP.read_text() if STAMP.exists() else ""
    # The scripts of an environment name the folder it was made in: in another place it has to be made anew.
    anew = not _works("-c", "") or bool(found and found.splitlines()[0] != str(ROOT))
    if not anew and found == wanted:
        return 0
    uv = shutil.which("uv")
    problem = None if uv else _unfit()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        if uv:
            _with_uv(uv, anew)
        else:
            _with_pip(anew or not _works("-m", "pip", "--version"))
    except subprocess.CalledProcessError as error:
        print(f"This step of setting up .venv failed: {' '.join(error.cmd)}", file=sys.stderr)
        return 1
    STAMP.write_text(wanted)
    return 0


def _fingerprint() -> str:
    return hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def _works(*arguments: str) -> bool:
    """Whether the environment's Python is there, new enough, and carries out these arguments."""
    if not PYTHON.exists():
        return False
    new_enough = ("-c", f"import sys; sys.exit(sys.version_info < {OLDEST})")
    return all(
        subprocess.call([str(PYTHON), *given], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
        for given in (new_enough, arguments)
    )


def _unfit() -> "str | None":
    """Why this Python cannot make the environment; None = it can."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST:
        return (
            f"Guestlist needs Python 3.11 or newer; {sys.executable} is {found}.\n"
            "Install a newer one and name it (make PYTHON=python3.12 ...), or install uv, which brings one along."
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return (
            f"{sys.executable} comes without a complete venv module, so .venv cannot be made.\n"
            f"On Debian and Ubuntu: apt install python{minor}-venv. Or install uv."
        )
    return None


def _with_uv(uv: str, anew: bool) -> None:
    _say("uv")
    if anew:
        python = sys.executable if sys.version_info >= OLDEST else ">=3.11"
        _call(uv, "venv", "--quiet", "--clear", "--python", python, VENV)
    _call(uv, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes", LOCK)
    editable = ("--quiet", "--python", PYTHON, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    _call(uv, "pip", "install", *editable)


def _with_pip(anew: bool) -> None:
    _say("pip")
    if anew:
        _call(sys.executable, "-m", "venv", "--clear", VENV)
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--no-deps")
    _call(*pip, "--require-hashes", "--requirement", LOCK)
    # The build backend is among the locked packages: nothing is fetched outside the lock.
    _call(*pip, "--no-build-isolation", "--editable", ROOT)


def _say(tool: str) -> None:
    print(f"Installing the locked packages into .venv with {tool} (some minutes the first time) ...", flush=True)


def _call(*command: "str | Path") -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=str(ROOT))


if __name__ == "__main__":
    sys.exit(main())
