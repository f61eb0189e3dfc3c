"""MySQL 9 of Debian sid and MariaDB 10.11 of Debian 12, unpacked privately and run by the loader they bring along.

Initialising takes MySQL 5 s and the time zone tables 1 to 2 s more, so both are done once and kept as a template.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import subprocess
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from tests.engines.debian import Package, Unavailable, cache_folder, loader, locked, unpacked
from tests.engines.recipe import DATABASE, HOST, PASSWORD, USER, Command, Recipe, ending_with_keeper, is_root

TZDATA = Package("tzdata", "bookworm")

# Nothing waits for the disk; commits are written though, so that they survive the end of the process.
INNODB = ["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF"]

ACCOUNTS = f"""
CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;
CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;
"""


class MySQLFamily(Recipe):
    """What MySQL and MariaDB have in common."""

    package: ClassVar[Package]
    zones_program: ClassVar[str]
    server_program: ClassVar[str]

    def prepare(self, folder: Path) -> None:
        root = unpacked(self.package)
        template = cache_folder() / f"{root.name}-data-{self.digest()}"
        with locked(template.with_suffix(".lock")):
            if not template.exists():
                partial = template.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                self.initialise(root, partial)
                partial.rename(template)
        subprocess.run(["cp", "-r", "--reflink=auto", template, folder / "data"], check=True, timeout=60)

    @abstractmethod
    def initialise(self, root: Path, data: Path) -> None:
        """Makes ``data`` a fresh database with accounts and time zones."""

    @abstractmethod
    def flags(self) -> list[str]:
        """Of this server alone, when it runs."""

    def command(self, folder: Path, port: int) -> Command:
        root = unpacked(self.package)
        words = [
            *(ending_with_keeper() + self.program(root, self.server_program)),
            *self.places(root, folder / "data"),
            *INNODB,
            f"--port={port}",
            f"--bind-address={HOST}",
            "--socket=socket",  # in the data folder: a path of more than 107 bytes would be refused
            f"--log-error={folder / 'log'}",
            f"--pid-file={folder / 'pid'}",
            "--local-infile=1",
            "--default-time-zone=+00:00",
            "--character-set-server=utf8mb4",
            "--skip-name-resolve",
            "--max-connections=300",
            "--max-connect-errors=1000000",  # a probe that hangs up after the greeting counts as one
            *self.flags(),
        ]
        return Command(words, folder)

    def version(self, folder: Path, port: int) -> str:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            greeting = connection.recv(256)
        if greeting[4:5] != b"\n":
            raise ConnectionError("starting up")
        text = greeting[5:].split(b"\0")[0].decode()
        return text.removeprefix("5.5.5-").split("-")[0]  # MariaDB says 5.5.5 first, for old clients

    def program(self, root: Path, name: str) -> list[str | Path]:
        """A program of the package, run by the package's own loader with its own libraries."""
        return [*loader(root), root / "usr" / name]

    def places(self, root: Path, data: Path) -> list[str]:
        # Of its own: a server that starts removes what it takes for the leavings of another one in the same folder.
        found = [f"--basedir={root / 'usr'}", f"--datadir={data}", f"--tmpdir={data.parent}"]
        found += [
            f"--lc-messages-dir={root / 'usr/share/mysql'}",
            f"--plugin-dir={root / 'usr/lib/mysql/plugin'}",
        ]
        found += [f"--character-sets-dir={root / 'usr/share/mysql/charsets'}"]
        return ["--no-defaults", *found, *(["--user=root"] if is_root() else [])]

    def zones(self, root: Path) -> str:
        """SQL that fills the empty time zone tables of the database ``mysql``: a statement or part of one a line."""
        system = Path("/usr/share/zoneinfo")
        if not (
            system / "America" / "New_York"
        ).exists():  # as in a small container; Python's tzdata is too new a format
            system = unpacked(TZDATA) / "usr/share/zoneinfo"
        words = [*self.program(root, self.zones_program), system]
        written = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout
        blocks = re.split(r"(?=^INSERT INTO time_zone \()", written, flags=re.MULTILINE)[1:]
        blocks[-1] = re.split(r"^(?:UNLOCK|COMMIT)", blocks[-1], flags=re.MULTILINE)[0]
        # Clocks with leap seconds and second copies of all zones: two thirds of the rows, used by nobody.
        named = [block for block in blocks if not re.search(r"VALUES \('(right|posix)/", block)]
        return "USE mysql;\nSTART TRANSACTION;\n" + "".join(named) + "COMMIT;\n"

    def digest(self) -> str:
        """Names a template: another one for other contents."""
        return hashlib.blake2b(repr((ACCOUNTS, INNODB, self.flags())).encode(), digest_size=4).hexdigest()


class MariaDB(MySQLFamily):
    name: ClassVar[str] = "mariadb"
    title: ClassVar[str] = "MariaDB"
    package: ClassVar[Package] = Package("mariadb-server-core", "bookworm", beside=("mariadb-client",))
    zones_program: ClassVar[str] = "bin/mariadb-tzinfo-to-sql"
    server_program: ClassVar[str] = "sbin/mariadbd"

    def initialise(self, root: Path, data: Path) -> None:
        # What mariadb-install-db does, which however starts the server without the loader.
        names = ("system_tables", "performance_tables", "system_tables_data")
        scripts = [(root / f"usr/share/mysql/mysql_{name}.sql").read_text() for name in names]
        begin = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"
        text = "".join([begin, *scripts, self.zones(root), "FLUSH PRIVILEGES;", ACCOUNTS])
        data.mkdir()
        words = [*self.program(root, self.server_program), *self.places(root, data), *INNODB, *self.flags()]
        words += ["--bootstrap", "--log-warnings=0", "--enforce-storage-engine=", "--max-allowed-packet=8M"]
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=100)
        if done.returncode:
            raise Unavailable(f"mariadbd --bootstrap failed: {done.stderr[-1000:]}")

    def flags(self) -> list[str]:
        return ["--innodb-log-file-size=16M"]

    def command(self, folder: Path, port: int) -> Command:
        command = super().command(folder, port)
        certificate = folder / "data" / "server-cert.pem"  # where MySQL looks by itself
        key = certificate.with_name("server-key.pem")
        more = [f"--ssl-cert={certificate}", f"--ssl-key={key}"] if certificate.exists() else []
        return Command([*command.words, *more], folder)


class MySQL(MySQLFamily):
    name: ClassVar[str] = "mysql"
    title: ClassVar[str] = "MySQL"
    package: ClassVar[Package] = Package("mysql-server-core", "sid")
    stand_in: ClassVar[type[Recipe] | None] = MariaDB  # sid moves, and some day may not be installable
    zones_program: ClassVar[str] = "bin/mysql_tzinfo_to_sql"
    server_program: ClassVar[str] = "sbin/mysqld"

    def initialise(self, root: Path, data: Path) -> None:
        script = data.with_suffix(".sql")
        script.write_text(self.zones(root) + ACCOUNTS)
        log = data.with_suffix(".log")
        words = [*self.program(root, self.server_program), *self.places(root, data), *INNODB, *self.flags()]
        words += ["--initialize-insecure", f"--init-file={script}", f"--log-error={log}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=100)
        if done.returncode:
            raise Unavailable(f"mysqld --initialize failed: {done.stderr}{log.read_text()[-1000:]}")
        script.unlink()

    def flags(self) -> list[str]:
        # Files may be neither read nor written by SQL; the connection of LOAD DATA LOCAL is the client's matter.
        small = ["--innodb-redo-log-capacity=16M", "--secure-file-priv=NULL"]
        return [*small, "--mysqlx=OFF", "--skip-log-bin", "--performance-schema=OFF"]
