"""Jinja in model files: rendered in a sandbox when the model is compiled, before the YAML is read.

A file is a template if Cube takes it for one: it is named ``.jinja``, or has ``{%``, ``%}``, ``{{`` or ``}}`` in it.
Templates import each other by their path from the model folder. They may use ``COMPILE_CONTEXT`` and what the
project registers. A name that does not exist is false and equal to nothing; printing it is a mistake.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cuboid.catalog.awaiting import settle
from cuboid.catalog.files import MAX_SIZE, ModelFile
from cuboid.catalog.line_maps import LineMap, by_text, from_marks, with_marks
from cuboid.catalog.settings import ModelSettings
from cuboid.errors import ModelError, closest, did_you_mean

_TEMPLATE = re.compile(r"\{%|%\}|\{\{|\}\}|\{#.*?#\}", re.DOTALL)


def is_template(file: ModelFile) -> bool:
    """Whether the file is rendered before it is read."""
    return file.name.endswith(".jinja") or _TEMPLATE.search(file.text) is not None


def render_model(files: Sequence[ModelFile], settings: ModelSettings) -> tuple[ModelFile, ...]:
    """The files as YAML: templates rendered, with ``lines`` saying where each line comes from; a template that fails
    has the ``error``. Files that are no templates are the same objects."""
    if not any(is_template(file) for file in files):
        return files if isinstance(files, tuple) else tuple(files)
    renderer = _Renderer(files, settings)
    return tuple(
        renderer.rendered(file) if file.error is None and is_template(file) else file for file in files
    )


class _Missing(jinja2.ChainableUndefined):
    """Something that does not exist: false, empty, but nothing that could be printed into a model."""

    def __str__(self) -> str:
        self._fail_with_undefined_error()

    def __html__(self) -> str:
        self._fail_with_undefined_error()

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise jinja2.UndefinedError(self._undefined_message)


class _Renderer:
    def __init__(self, files: Sequence[ModelFile], settings: ModelSettings) -> None:
        self._texts = {file.name: file.text for file in files}
        self._names = list(self._texts)
        self._settings = settings
        self._results: dict[Any, Any] = {}
        self._environment = self._make(lambda name: self._texts[name])
        self._marked = self._make(
            lambda name: with_marks(self._environment, self._texts[name], self._names.index(name))
        )

    def rendered(self, file: ModelFile) -> ModelFile:
        try:
            text = self._render(self._environment, file.name)
        except ModelError as error:
            return replace(file, error=error)
        # The project's functions again, and Jinja itself: the reason is told at its place in the template.
        except Exception as error:
            return replace(file, error=self._error(file, error))
        return replace(file, text=text, lines=self._lines(file, text))

    def _render(self, environment: jinja2.Environment, name: str) -> str:
        pieces = []
        size = 0
        for piece in environment.get_template(name).generate():
            pieces.append(piece)
            size += len(piece)
            if size > MAX_SIZE:
                raise ModelError(
                    f"this template makes more than {MAX_SIZE:,} characters",
                    file=name,
                    line=1,
                    column=1,
                    hint="Look for a loop that runs too often.",
                )
        return "".join(pieces)

    def _lines(self, file: ModelFile, text: str) -> LineMap:
        names = [file.name, *(name for name in self._names if name != file.name)]
        try:
            # What tells marks from text fails in its own way; then the lines are found by their text.
            marked = self._render(self._marked, file.name)
        except Exception:
            return by_text(text, file.name, self._texts)
        found = from_marks(marked, text, self._names, self._texts)
        return found or by_text(text, names[0], self._texts)

    def _make(self, source: Callable[[str], str]) -> jinja2.Environment:
        def load(name: str) -> tuple[str, str, Callable[[], bool]]:
            found = self._find(name)
            if found is None:
                raise jinja2.TemplateNotFound(name)
            return source(found), found, lambda: True

        environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FunctionLoader(load),
            undefined=_Missing,
            finalize=_written,
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
            keep_trailing_newline=True,
        )
        names = self._settings.templates
        environment.globals.update(
            {name: self._usable(name, value) for name, value in names.variables.items()}
        )
        environment.globals["COMPILE_CONTEXT"] = self._settings.context
        environment.filters.update(
            {name: self._usable(f"|{name}", value) for name, value in names.filters.items()}
        )
        return environment

    def _find(self, name: str) -> str | None:
        """The file that a template means by ``name``: its path from the model folder."""
        wanted = name.removeprefix("./")
        if wanted in self._texts:
            return wanted
        found = [each for each in self._names if each.endswith(f"/{wanted}")]
        return min(found, key=len) if found else None

    def _usable(self, name: str, value: Any) -> Any:
        """Functions are asked once for the same arguments, and awaited if they are async."""
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                key = (name, args, tuple(sorted(kwargs.items())))
                hash(key)
            except TypeError:
                return settle(value(*args, **kwargs))
            if key not in self._results:
                self._results[key] = settle(value(*args, **kwargs))
            return self._results[key]

        return call

    def _error(self, file: ModelFile, error: Exception) -> ModelError:
        if isinstance(error, jinja2.TemplateSyntaxError):
            name, line = error.filename or file.name, error.lineno
        else:
            frames = [
                frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in self._texts
            ]
            name, line = (frames[-1].filename, frames[-1].lineno or 1) if frames else (file.name, 1)
        hint = "Look at what the template does there."
        message = str(error) or type(error).__name__
        if isinstance(error, jinja2.TemplateNotFound):
            message = f"there is no template '{error}'"
            hint = did_you_mean(closest(str(error), self._names)) or "Its path begins in the model folder."
        elif isinstance(error, jinja2.UndefinedError):
            hint = self._suggestion(message)
        elif isinstance(error, jinja2.TemplateSyntaxError):
            hint = (
                "Tags are {% if x %} ... {% endif %}, {% for x in y %} ... {% endfor %}; values are {{ x }}."
            )
        elif not isinstance(error, jinja2.TemplateError):
            message = f"{type(error).__name__}: {message}"
            hint = "It comes from a function that the template calls."
        return ModelError(
            f"this template cannot be rendered: {message}", file=name, line=line, column=1, hint=hint
        )

    def _suggestion(self, message: str) -> str:
        word = re.match(r"'(\w+)' is undefined", message)
        known = [*self._environment.globals]
        suggestion = did_you_mean(closest(word.group(1), known)) if word else None
        return suggestion or "Where it may be missing write {{ x | default('...') }}."


def _written(value: Any) -> Any:
    """How a value stands in YAML: true, false, null; lists and mappings as JSON, which is YAML."""
    if value is None or isinstance(value, bool | list | tuple | dict):
        return json.dumps(value, default=str, ensure_ascii=False)
    return dict(value) if isinstance(value, Mapping) else value
