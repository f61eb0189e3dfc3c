"""Model SQL as sqlglot trees: each template is parsed once per dialect, references become marked identifiers.

Parsing instead of pasting text is what makes substitution safe: a member's SQL can neither break out of its
place nor change the precedence around it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError, TokenError

from cuboid.catalog.pieces import CubeReference, Filled, MemberReference, Reference, Template, inner_templates
from cuboid.errors import ModelError
from cuboid.sql.faithful import whole_intervals, whole_logarithms

_MARK = re.compile(r"__cuboid_ref_(\d+)__")

_COLUMN = re.compile(r"__cuboid_ref_0__\.((?!__)[A-Za-z_][A-Za-z0-9_]*)")

_EXPRESSION = "SELECT (\n{}\n)"
"""What an expression is read in; line breaks, so that a comment at its end does not hide the parenthesis."""

# What may stand inside any expression without parentheses. And, Or and the like derive from Func in sqlglot, so
# operators are ruled out first.
_OPERATORS = (exp.Binary, exp.Unary, exp.Predicate)
_CLOSED = (
    exp.Column,
    exp.Literal,
    exp.Subquery,
    exp.Case,
    exp.Cast,
    exp.Func,
    exp.Boolean,
    exp.Null,
    exp.Var,
    exp.Placeholder,
)


_PLACES = ("line", "col", "start", "end")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A template's tree, to be copied before use, and its slots by mark."""

    tree: exp.Expr
    slots: tuple[Reference | Filled, ...]


@dataclass(frozen=True, slots=True)
class Fill:
    """What stands in a template's slots: for cubes an alias, for members their SQL, for what a query fills one or more
    expressions, with commas between them."""

    cube: Callable[[CubeReference], exp.Identifier]
    member: Callable[[MemberReference], exp.Expr]
    query: Callable[[Filled], list[exp.Expr]]


class Templates:
    """The parsed templates of one catalog in one dialect, memoised.

    :param own: what :meth:`cuboid.sql.dialect.Dialect.own` does, where trees are rendered.
    """

    def __init__(self, sqlglot_dialect: str, own: Callable[[exp.Expr], exp.Expr] | None = None) -> None:
        self._dialect = sqlglot_dialect
        self._own = own
        self._expressions: dict[Template, Parsed] = {}
        self._relations: dict[Template, Parsed] = {}
        self._sound: set[tuple[str, str]] = set()
        self._keywords = frozenset(sqlglot.Dialect.get_or_raise(sqlglot_dialect).tokenizer_class.KEYWORDS)

    def expression(self, template: Template, fill: Fill) -> exp.Expr:
        """The template as an expression with its slots filled.

        Raises :class:`ModelError` at the template's place if it is no expression of the dialect.
        """
        parsed = self._expressions.get(template)
        if parsed is None:
            parsed = self._expressions[template] = self._parse(template, _EXPRESSION, _only_expression)
        return _substitute(parsed, fill)

    def relation(self, template: Template, fill: Fill) -> exp.Expr:
        """A cube's table or SELECT as something that can stand in FROM, without alias."""
        parsed = self._relations.get(template)
        if parsed is None:
            parsed = self._relations[template] = self._parse(template, _frame(template), _only_relation)
        return _substitute(parsed, fill)

    def mistake_in_expression(self, template: Template) -> ModelError | None:
        """Why :meth:`expression` could not read the template, None if it could."""
        return self._check(template, _EXPRESSION, _only_expression)

    def mistake_in_relation(self, template: Template) -> ModelError | None:
        """Why :meth:`relation` could not read the template, None if it could."""
        return self._check(template, _frame(template), _only_relation)

    def _check(
        self, template: Template, frame: str, pick: Callable[[exp.Expr], exp.Expr | None]
    ) -> ModelError | None:
        """Trees are not kept: most members of a large model are not asked soon. Texts are: many cubes have the
        same ``id`` and ``created_at``."""
        for slot in template.slots:
            for inner in inner_templates(slot):
                if error := self.mistake_in_expression(inner):
                    return error
        text = frame, _marked(template)[0]
        if text not in self._sound and not self._is_column(text[1]):
            try:
                self._parse(template, frame, pick)
            except ModelError as error:
                return error
            self._sound.add(text)
        return None

    def _is_column(self, text: str) -> bool:
        """Whether this is ``{CUBE}.column``, as more than half of all SQL is, and so is sound without parsing."""
        column = _COLUMN.fullmatch(text)
        return column is not None and column.group(1).upper() not in self._keywords

    def _parse(self, template: Template, frame: str, pick: Callable[[exp.Expr], exp.Expr | None]) -> Parsed:
        text, slots = _marked(template)
        text = whole_intervals(text, self._dialect)
        if any("__cuboid_" in part for part in template.parts if isinstance(part, str)):
            raise _mistake(template, "Names with '__cuboid_' are Cuboid's own.")
        try:
            statements = sqlglot.parse(frame.format(text), dialect=self._dialect)
        except SqlglotError as error:
            raise _mistake(template, f"This SQL cannot be read: {_first_line(error)}") from error
        except RecursionError:
            raise _mistake(template, "This SQL is nested too deeply to be read.") from None
        tree = pick(statements[0]) if len(statements) == 1 and statements[0] is not None else None
        if tree is None:
            raise _mistake(template, "This SQL is not one complete expression.")
        found = {
            int(mark.group(1))
            for node in tree.find_all(exp.Identifier)
            if (mark := _MARK.fullmatch(node.name))
        }
        if found != set(range(len(slots))):
            raise _mistake(
                template,
                "A reference stands inside quotes, where it is text.",
                hint=r"Take it out of the quotes, or write \{ and \} for literal braces.",
            )
        tree = whole_logarithms(tree)
        return Parsed(_without_places(tree if self._own is None else self._own(tree)), slots)


def enclosed(tree: exp.Expr) -> exp.Expr:
    """``tree`` in parentheses, unless it is an identifier, a literal, a call or otherwise closed."""
    if isinstance(tree, exp.Paren) or (isinstance(tree, _CLOSED) and not isinstance(tree, _OPERATORS)):
        return tree
    return exp.Paren(this=tree)


def _substitute(parsed: Parsed, fill: Fill) -> exp.Expr:
    if not parsed.slots:
        return parsed.tree.copy()
    if len(parsed.slots) == 1 and isinstance(parsed.tree, exp.Column):  # most are {CUBE}.column or {member}
        slot, table = parsed.slots[0], parsed.tree.args.get("table")
        if isinstance(slot, CubeReference) and table is not None and len(parsed.tree.parts) == 2:
            if _MARK.fullmatch(table.name) and isinstance(parsed.tree.this, exp.Identifier):
                name = parsed.tree.this
                own = exp.Identifier(this=name.name, quoted=name.quoted)
                return exp.Column(this=own, table=fill.cube(slot))
        elif isinstance(slot, MemberReference) and table is None:
            return fill.member(slot)
    root = exp.Paren(this=parsed.tree.copy())  # so that the tree itself can be replaced
    for identifier in list(root.find_all(exp.Identifier)):
        mark = _MARK.fullmatch(identifier.name)
        if mark is None:
            continue
        slot = parsed.slots[int(mark.group(1))]
        if isinstance(slot, CubeReference):
            identifier.replace(fill.cube(slot))
            continue
        found = [fill.member(slot)] if isinstance(slot, MemberReference) else fill.query(slot)
        column = identifier.parent
        outermost = column is root.this
        if outermost and len(found) > 1:
            found = [exp.Tuple(expressions=found)]
        replacements = found if outermost else [enclosed(each) for each in found]
        # With a list in place of one expression sqlglot splices it into the list that the expression stands in.
        (column or identifier).replace(replacements[0] if len(replacements) == 1 else replacements)
    tree: exp.Expr = root.this
    tree.pop()
    return tree


def _without_places(tree: exp.Expr) -> exp.Expr:
    """The tree without what the parser notes of each name's line and column, which are of our frame: copying that takes
    longer than copying the tree."""
    for node in tree.walk():
        if node._meta is not None:
            node._meta = {key: told for key, told in node._meta.items() if key not in _PLACES} or None
    return tree


def _only_expression(statement: exp.Expr) -> exp.Expr | None:
    if (
        not isinstance(statement, exp.Select)
        or len(statement.expressions) != 1
        or statement.args.get("from_")
    ):
        return None
    paren = statement.expressions[0]
    if isinstance(paren, exp.Subquery):
        return paren
    # `age age` reads as a column under an alias, which is nothing that could stand inside an expression.
    return paren.this if isinstance(paren, exp.Paren) and not isinstance(paren.this, exp.Alias) else None


def _only_relation(statement: exp.Expr) -> exp.Expr | None:
    source = statement.args.get("from_") if isinstance(statement, exp.Select) else None
    if source is None or any(
        statement.args.get(part) for part in ("where", "joins", "group", "limit", "order")
    ):
        return None
    relation: exp.Expr = source.this
    return None if relation.args.get("alias") else relation


def _frame(template: Template) -> str:
    return "SELECT * FROM (\n{}\n)" if _is_select(template) else "SELECT * FROM {}"


def _marked(template: Template) -> tuple[str, tuple[Reference | Filled, ...]]:
    """The template's text with a mark for each slot, and the slots."""
    numbers = itertools.count()
    text = "".join(
        part if isinstance(part, str) else f"__cuboid_ref_{next(numbers)}__" for part in template.parts
    )
    return text, template.slots


def _is_select(template: Template) -> bool:
    text = "".join(part if isinstance(part, str) else "x" for part in template.parts).lstrip(" \t\r\n(")
    without_comments = re.sub(r"^(--[^\n]*\n|/\*.*?\*/|\s)+", "", text, flags=re.DOTALL)
    return re.match(r"(select|with|values|from)\b", without_comments, re.IGNORECASE) is not None


def _mistake(template: Template, message: str, hint: str | None = None) -> ModelError:
    place = template.place
    return ModelError(message, file=place.file, line=place.line, column=place.column, hint=hint)


def _first_line(error: SqlglotError) -> str:
    if isinstance(error, TokenError):
        return "a quote or a comment is not closed."  # sqlglot's message shows our frame instead
    text = _MARK.sub("{…}", str(error).splitlines()[0])
    text = re.sub(r" Line \d+, Col: \d+\.", "", text)  # lines of our frame
    return re.sub(r"\x1b\[\d+m", "", text)
