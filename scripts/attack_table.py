"""The table of attacks on tokens: what tests/http/attacks.py puts together, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from tests.http.attacks import Target, forgeries, misuses

INTRODUCTION = """<!-- Written by scripts/docs.py (make docs); edit the code instead. -->

# Attacks on tokens

{count} tokens that must never count, against servers with a shared secret, with an RSA key set and with an EC key set.
Each is sent over HTTP (`test_attacks.py::test_an_attack_is_refused_unlogged_and_asks_nobody`) and over a WebSocket
(`test_sockets_under_attack.py::test_no_forged_or_misused_token_opens_a_conversation`), and is answered with 403 and
`{{"error": "Invalid token"}}`; no part of it is logged, and no address that it names is asked. What only a header can
carry is tried in `tests/http/test_attacks.py`, claims such as audience and issuer in
`tests/http/test_authentication.py`, key sets that fail in `tests/http/test_key_set.py`. What settings there are:
[authenticate](../how-to/authenticate.md).
"""

TABLES: tuple[Callable[[Target], Iterator[tuple[str, str]]], ...] = (forgeries, misuses)


def targets() -> Mapping[str, Target]:
    """One for each kind of key, by what the column is called. The names of attacks do not depend on the keys."""
    of_rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    of_ec = ec.generate_private_key(ec.SECP256R1())
    return {
        "secret": Target("secret", "HS256", ""),
        "RSA": Target(of_rsa, "RS256", "", of_rsa.public_key(), {"kid": "main"}),
        "EC": Target(of_ec, "ES256", "", of_ec.public_key(), {"kid": "main"}),
    }


def attacks() -> Mapping[str, Mapping[str, list[str]]]:
    """For each table, by its first sentence, the attacks by name with the targets that they are tried on."""
    found: dict[str, dict[str, list[str]]] = {}
    for table in TABLES:
        tried = found.setdefault((inspect.getdoc(table) or "").partition(".")[0], {})
        for kind, target in targets().items():
            for name, _ in table(target):
                tried.setdefault(name, []).append(kind)
    return found


def attacks_page() -> str:
    """docs/reference/attacks.md."""
    tables = attacks()
    return INTRODUCTION.format(count=sum(map(len, tables.values()))) + "".join(_sections(tables))


def _sections(tables: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
    kinds = targets()
    for title, tried in tables.items():
        yield f"\n## {title}\n\n| Token | {' | '.join(kinds)} |\n|---{'|---' * len(kinds)}|\n"
        for name, on in tried.items():
            cells = " | ".join("403" if kind in on else "" for kind in kinds)
            yield f"| `` {name.replace('|', '&#124;')} `` | {cells} |\n"
