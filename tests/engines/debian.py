"""Unpacks a Debian package and its libraries into a private folder, without installing anything.

The packages come from the mirror that apt is configured with, their signatures checked against Debian's keyring. apt
gets a state of its own, so neither root nor a recent ``apt-get update`` is needed.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Unavailable(Exception):
    """An engine that cannot be had on this machine: why, and what would change it."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a Debian suite, to be unpacked with the libraries that it depends on and, without what those
    depend on, the packages ``beside`` it."""

    name: str
    suite: str
    beside: tuple[str, ...] = ()


def cache_folder() -> Path:
    """Where unpacked packages and initialised databases outlive a test run, shared by all checkouts."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "cuboid-test-engines"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the lock falls with its holder, however that ends."""
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpacked(package: Package) -> Path:
    """The folder with the package's files, fetched on first use. Raises :class:`Unavailable`."""
    folder = cache_folder() / f"{package.name}-{package.suite}"
    with locked(folder.with_suffix(".lock")):
        if not folder.exists():
            try:
                _fetch(package, folder)
            except (OSError, subprocess.SubprocessError) as error:
                said = str(getattr(error, "stderr", None) or error).strip()[-1000:]
                raise Unavailable(
                    f"the Debian package {package.name} of {package.suite} could not be fetched: {said}\n"
                    "It comes from the mirror that apt is configured with (apt-get --print-uris update shows it) "
                    "and needs the packages apt, dpkg and debian-archive-keyring."
                ) from error
    return folder


def loader(root: Path) -> list[str | Path]:
    """Words before a program in an unpacked folder: the package's own loader with its own libraries."""
    first = next(root.glob("usr/lib64/ld-linux-*"), None) or next(root.glob("lib64/ld-linux-*"))
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    return [first, "--library-path", ":".join(map(str, libraries))]


def _fetch(package: Package, folder: Path) -> None:
    if not KEYRING.exists():
        raise FileNotFoundError(f"{KEYRING} is missing; run: apt-get install debian-archive-keyring")
    apt, partial = folder.with_suffix(".apt"), folder.with_suffix(".partial")
    for leftover in (apt, partial):
        shutil.rmtree(leftover, ignore_errors=True)
    for part in ("lists/partial", "cache/archives/partial", "debs"):
        (apt / part).mkdir(parents=True)
    partial.mkdir()
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_mirror()} {package.suite} main\n")
    options = _private_state(apt)
    _run("apt-get", *options, "-qq", "update")
    planned = _run("apt-get", *options, "--simulate", "install", package.name)
    names = {line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")}
    libraries = {name for name in names if name.startswith(("lib", "zlib")) and "perl" not in name}
    _run(
        "apt-get", *options, "-qq", "download", package.name, *package.beside, *libraries, folder=apt / "debs"
    )
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda deb: _run("dpkg-deb", "--extract", deb, partial), (apt / "debs").iterdir()))
    shutil.rmtree(apt)
    partial.rename(folder)


def _mirror() -> str:
    """The archive of the system's own release, from apt's configuration."""
    uris = _run("apt-get", "--print-uris", "update")
    # The security archive has suites with a suffix only; the first plain one is the main archive.
    for address in re.findall(r"'([a-z]+:[^']*?)/dists/[a-z]+/InRelease'", uris):
        return str(address)
    raise FileNotFoundError("apt is configured with no Debian mirror (see /etc/apt/sources.list)")


def _private_state(apt: Path) -> list[str]:
    settings = {
        "Dir::State": apt,
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Cache::pkgcache": "pkgcache.bin",  # container images switch it off; then each command takes 3 s more
        "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",  # _apt could not read a folder of ours
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Debug::NoLocking": "true",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _run(*command: str | Path, folder: Path | None = None) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=100
    )
    return done.stdout
