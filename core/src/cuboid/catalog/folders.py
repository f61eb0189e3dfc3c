"""Folders of a view: its members under names, nested as deep as the author likes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cuboid.catalog import keys
from cuboid.catalog.declare import DeclaredCube
from cuboid.catalog.fields import Fields, read_entries
from cuboid.catalog.nodes import Entries, Node, Scalar
from cuboid.catalog.views import Folder
from cuboid.errors import suggest


def read_folders(view: DeclaredCube, hierarchies: Collection[str]) -> tuple[Folder, ...]:
    """The view's folders, in order.

    :param hierarchies: the names of the view's hierarchies, which may be in folders, too.
    """
    found: dict[str, Folder] = {}
    for node in view.fields.items("folders"):
        folder = _folder(node, view, hierarchies)
        if folder is None:
            continue
        if folder.name in found:
            view.problems.error(
                node.place,
                f"view '{view.name}' has two folders '{folder.name}'",
                "Put all into one, or rename one.",
            )
        else:
            found[folder.name] = folder
    return tuple(found.values())


def _folder(node: Node, view: DeclaredCube, hierarchies: Collection[str]) -> Folder | None:
    fields = read_entries(node, keys.FOLDER, view.problems)
    if fields is None:
        return None
    name = fields.text("name")
    if name is None and not fields.has("name"):
        fields.missing("name", "what the folder is called")
    if not fields.has("includes"):
        fields.missing("includes", 'members of the view, or "*" for all')
    items = tuple(dict.fromkeys(_items(fields, view, hierarchies)))
    return None if name is None else Folder(name, items)


def _items(fields: Fields, view: DeclaredCube, hierarchies: Collection[str]) -> Iterator[str | Folder]:
    whole = fields.node("includes")
    if isinstance(whole, Scalar) and whole.text.strip() == "*":
        yield from (f"{view.name}.{name}" for name in (*hierarchies, *view.members))
        return
    for node in fields.items("includes"):
        if isinstance(node, Scalar):
            name = _member(node, view, hierarchies)
            if name is not None:
                yield name
        elif isinstance(node, Entries) and any(
            key.text in ("join_path", "joinPath") for key, _ in node.entries
        ):
            yield from _of_path(node, view)
        else:
            folder = _folder(node, view, hierarchies)
            if folder is not None:
                yield folder


def _member(written: Scalar, view: DeclaredCube, hierarchies: Collection[str]) -> str | None:
    name = written.text.strip().removeprefix(f"{view.name}.").removeprefix("CUBE.")
    known = (*view.members, *hierarchies)
    if name in known:
        return f"{view.name}.{name}"
    if view.unread:
        return None
    view.problems.error(
        written.place,
        f"view '{view.name}' has no member '{written.text}'",
        suggest(name, known, none="It includes none."),
    )
    return None


def _of_path(node: Entries, view: DeclaredCube) -> Iterator[str]:
    fields = read_entries(node, keys.FOLDER_PATH, view.problems)
    written = fields.scalar("join_path") if fields else None
    if written is None:
        return
    path = tuple(written.text.strip().replace("{", "").replace("}", "").split("."))
    paths = view.view.paths if view.view else []
    if path not in paths:
        view.problems.error(
            written.place,
            f"view '{view.name}' includes nothing by the path '{written.text}'",
            suggest(written.text, [".".join(each) for each in paths], none="It includes nothing."),
        )
    for name, member in view.members.items():
        if member.included is not None and member.included.path == path:
            yield f"{view.name}.{name}"
