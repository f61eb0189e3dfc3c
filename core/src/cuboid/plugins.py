"""The registry: the plugins of a project, checked, with their drivers and dialects by name.

An object, never a global: two projects in one process have a registry each. All plugin modules are imported
and checked at the start, which is cheap if a plugin imports its database's client where it is used. A driver
is looked up in the plugin of its own name first (``cuboid-<driver>`` registers the entry point ``<driver>``),
so that a project with one data source never imports the clients of all installed drivers.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import inspect
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

import pluggy

from cuboid import hookspecs
from cuboid.catalog.settings import TemplateNames
from cuboid.errors import CuboidError, PluginError, closest, did_you_mean
from cuboid.result.formats import FORMATS, Format
from cuboid.types import Principal

if TYPE_CHECKING:
    from cuboid.run.driver import Driver
    from cuboid.run.exchange import Exchange
    from cuboid.run.store import RollupStore
    from cuboid.sql.dialect import Dialect

GROUP = "cuboid"
PROJECT_PLUGIN = "cuboid_plugin.py"
CUBE_CONFIGURATION = "cube.py"
HOOKS = tuple(name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "cuboid_spec"))

Asker = Callable[..., Awaitable[Any]]

Offer = Literal["register_drivers", "register_dialects", "register_stores", "register_exchanges"]
OFFERS: tuple[Offer, ...] = get_args(Offer)

STATIC_TLS = "static TLS"
MORE_STATIC_TLS = "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096"
"""Many large libraries in one process leave too little of this memory for a further client library's C extension."""


@dataclass(slots=True)
class Plugin:
    """One plugin: where it comes from, what it does, and why it is off if it is.

    ``distribution`` and ``version`` are empty for a project's own plugin. ``error`` is the reason why it
    cannot be used; it stops the start unless the plugin is ``optional``.
    """

    name: str
    distribution: str = ""
    version: str = ""
    optional: bool = False
    error: str | None = None
    hooks: tuple[str, ...] = ()
    module: ModuleType | None = None
    offers: dict[Offer, dict[str, type[Any]]] = field(default_factory=dict)


class Registry:
    """The plugins found, in the order of their names; a project's own plugin last."""

    def __init__(self) -> None:
        self._pluggy = pluggy.PluginManager(GROUP)
        self._pluggy.add_hookspecs(hookspecs)
        self._dialects: dict[str, Dialect] = {}
        self._callers: dict[tuple[str, str], pluggy.HookCaller] = {}
        self.plugins: list[Plugin] = []

    @classmethod
    def load(cls, project: Path | None = None, *, optional: Collection[str] = ()) -> Registry:
        """A registry of all installed plugins, and of the ``project`` folder its ``cube.py`` and ``cuboid_plugin.py``.

        Failures are kept with their plugin; :meth:`require` raises them.

        :param optional: names of plugins that may fail.
        """
        registry = cls()
        for entry_point in sorted(metadata.entry_points(group=GROUP), key=lambda each: each.name):
            distribution = entry_point.dist
            plugin = Plugin(
                entry_point.name,
                distribution.name if distribution else "",
                distribution.version if distribution else "",
                entry_point.name in optional,
            )
            registry.add(plugin, entry_point.load)
        if project is not None and (project / CUBE_CONFIGURATION).is_file():
            registry.add(Plugin("cube", optional="cube" in optional), lambda: _load_configuration(project))
        if project is not None and (project / PROJECT_PLUGIN).is_file():
            name = PROJECT_PLUGIN.removesuffix(".py")
            registry.add(
                Plugin(name, optional=name in optional), lambda: _load_file(project / PROJECT_PLUGIN)
            )
        return registry

    def add(self, plugin: Plugin, load: Callable[[], Any]) -> None:
        """Imports ``plugin`` by ``load`` and checks its hooks; what goes wrong becomes its ``error``."""
        twin = self._find(plugin.name)
        self.plugins.append(plugin)
        if twin is not None:
            plugin.error = f"another plugin has this name already ({twin.distribution or 'the project'})"
            return
        # Importing runs the plugin's code, which may raise anything: the reason is told, the start is
        # stopped.
        try:
            plugin.module = load()
        except CuboidError as error:
            plugin.error = " ".join(part for part in (f"{error.message}.", error.hint) if part)
            return
        except Exception as error:
            plugin.error = f"it cannot be imported: {type(error).__name__}: {error}"
            return
        plugin.error = _unmarked(plugin.module) or self._register(plugin)
        if plugin.error is None:
            callers = self._pluggy.get_hookcallers(plugin.module) or []
            plugin.hooks = tuple(sorted(caller.name for caller in callers))

    def require(self) -> None:
        """Raises :class:`PluginError` for the first plugin that failed and is not optional."""
        for plugin in self.plugins:
            if plugin.error and not plugin.optional:
                self._fail(plugin)

    def ask_all(self) -> None:
        """Asks every plugin what it offers; failures are kept with their plugin."""
        for plugin in self.plugins:
            for offer in OFFERS:
                with contextlib.suppress(PluginError):
                    self._ask(offer, plugin)

    def rewrite_query(self, query: Mapping[str, Any], principal: Principal) -> Mapping[str, Any]:
        """``query`` after every plugin's hook of that name, each seeing what the one before returned."""
        for plugin in self.plugins:
            if "rewrite_query" in plugin.hooks:
                # A caller of one plugin gives a list of one result, or of none for None.
                for rewritten in self._caller("rewrite_query", plugin)(query=query, principal=principal):
                    query = rewritten
        return query

    def askers(self, hook: str) -> list[Asker]:
        """A function for each plugin that has ``hook``: with the hook's arguments it gives what the plugin
        returns. Plain functions run in a thread, so that they may block."""
        return [_asker(self._caller(hook, plugin)) for plugin in self.plugins if hook in plugin.hooks]

    def answers(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """What the plugins answer to a hook, with their names, the project's own first; None is no answer."""
        for plugin in reversed(self.plugins):
            if hook in plugin.hooks:
                for answer in self._caller(hook, plugin)(**arguments):
                    yield plugin.name, answer

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings that ``cube.py`` makes, by name."""
        module = next((plugin.module for plugin in self.plugins if plugin.name == "cube"), None)
        return getattr(module, "settings", {})

    def offers(self, hook: str) -> bool:
        """Whether some plugin implements the hook."""
        return any(hook in plugin.hooks for plugin in self.plugins)

    @property
    def wait(self) -> bool:
        """Whether some plugin's answers to requests may take time: then they are asked for in a thread."""
        return any(getattr(plugin.module, "wait", False) is True for plugin in self.plugins)

    def template_names(self) -> TemplateNames:
        """What plugins offer to templates; of two that offer one name the project's own wins."""
        variables: dict[str, Any] = {}
        filters: dict[str, Callable[..., Any]] = {}
        for plugin in self.plugins:
            if "register_template_variables" in plugin.hooks:
                self._caller("register_template_variables", plugin)(
                    variable=variables.__setitem__, filter=filters.__setitem__
                )
        return TemplateNames(variables, filters)

    def formats(self) -> dict[str, type[Format]]:
        """The formats of answers by media type; of two for one type the later plugin's, and any before core's."""
        found = {each.media_type: each for each in FORMATS}
        for plugin in self.plugins:
            if "register_formats" in plugin.hooks:
                offered: list[type[Format]] = []
                self._caller("register_formats", plugin)(register=offered.append)
                found |= {each.media_type: each for each in offered}
        return found

    def drivers(self) -> dict[str, type[Driver]]:
        """All drivers by name. Asks every plugin; raises :class:`PluginError` if two offer one name."""
        return self._all("register_drivers")

    def dialects(self) -> dict[str, type[Dialect]]:
        """All dialects by name, as :meth:`drivers`."""
        return self._all("register_dialects")

    def driver(self, name: str) -> type[Driver]:
        """The driver of that name. Raises :class:`PluginError` with the package to install if there is none."""
        found: type[Driver] | None = self._look_up("register_drivers", name)
        if found is None:
            suggestion = did_you_mean(closest(name, self.drivers()))
            install = f"Install it: pip install cuboid-{name}"
            raise PluginError(
                f"No installed plugin has the driver '{name}'",
                hint=f"{suggestion} Or: pip install cuboid-{name}" if suggestion else install,
            )
        return found

    def store(self, name: str | None) -> type[RollupStore]:
        """The rollup store of that name, or the only one there is. Raises :class:`PluginError`."""
        if name is None:
            stores: dict[str, type[RollupStore]] = self._all("register_stores")
            if len(stores) != 1:
                raise PluginError(
                    f"There are {len(stores)} rollup stores: {', '.join(sorted(stores)) or 'none is installed'}",
                    hint="Say which one in the setting rollup_store.",
                )
            return next(iter(stores.values()))
        found: type[RollupStore] | None = self._look_up("register_stores", name)
        if found is None:
            suggestion = did_you_mean(closest(name, self._all("register_stores")))
            raise PluginError(
                f"No installed plugin has the rollup store '{name}'",
                hint=suggestion or f"Install it: pip install cuboid-{name}",
            )
        return found

    def exchange(self, scheme: str) -> type[Exchange]:
        """The exchange that takes URLs of this scheme. Raises :class:`PluginError`."""
        offered: list[type[Exchange]] = list(self._all("register_exchanges").values())
        for each in offered:
            if scheme in each.schemes:
                return each
        known = sorted(each for exchange in offered for each in exchange.schemes)
        raise PluginError(
            f"No installed plugin has an exchange for URLs that begin with '{scheme}:'",
            hint=did_you_mean(closest(scheme, known)) or f"Install it: pip install cuboid-{scheme}",
        )

    def dialect(self, name: str) -> Dialect:
        """The dialect of that name; one instance serves all. Raises :class:`PluginError` if there is none."""
        if name not in self._dialects:
            found: type[Dialect] | None = self._look_up("register_dialects", name)
            if found is None:
                raise PluginError(
                    f"No installed plugin has the dialect '{name}'",
                    hint=did_you_mean(closest(name, self.dialects())),
                )
            self._dialects[name] = found()
        return self._dialects[name]

    # ------------------------------------------------------------ what plugins offer

    def _look_up(self, offer: Offer, name: str) -> type[Any] | None:
        """From the plugin of that name or the project's own, which are asked first; else from any."""
        first = [each for each in self.plugins if each.name == name or not each.distribution]
        offered = self._collect(offer, first)
        return offered.get(name) or self._collect(offer, self.plugins).get(name)

    def _all(self, offer: Offer) -> dict[str, type[Any]]:
        return self._collect(offer, self.plugins)

    def _collect(self, offer: Offer, plugins: Iterable[Plugin]) -> dict[str, type[Any]]:
        collected: dict[str, type[Any]] = {}
        owners: dict[str, str] = {}
        for plugin in plugins:
            for name, offered in self._ask(offer, plugin).items():
                if name in collected:
                    what = offer.removeprefix("register_").removesuffix("s")
                    raise PluginError(
                        f"The plugins '{owners[name]}' and '{plugin.name}' both register the {what} '{name}'",
                        hint="Uninstall one of them.",
                    )
                collected[name] = offered
                owners[name] = plugin.name
        return collected

    def _ask(self, offer: Offer, plugin: Plugin) -> dict[str, type[Any]]:
        """What one plugin offers; it is asked once."""
        if offer not in plugin.offers:
            plugin.offers[offer] = {}
            if plugin.error is None and offer in plugin.hooks:
                offered: list[type[Any]] = []
                # The plugin's code again: drivers may import their client library here.
                try:
                    self._caller(offer, plugin)(register=offered.append)
                except Exception as error:
                    plugin.error = f"{offer} failed: {type(error).__name__}: {error}"
                    if STATIC_TLS in str(error):
                        plugin.error += "; start the process with " + MORE_STATIC_TLS
                    if not plugin.optional:
                        self._fail(plugin)
                plugin.offers[offer] = {each.name: each for each in offered}
        return plugin.offers[offer]

    def _caller(self, hook: str, plugin: Plugin) -> pluggy.HookCaller:
        """Calls one plugin's implementation of a hook."""
        if (hook, plugin.name) not in self._callers:
            others = [each.module for each in self.plugins if each.module and each is not plugin]
            self._callers[hook, plugin.name] = self._pluggy.subset_hook_caller(hook, others)
        return self._callers[hook, plugin.name]

    # ------------------------------------------------------------ loading

    def _register(self, plugin: Plugin) -> str | None:
        """Gives the plugin's hooks to pluggy; returns what is wrong with them."""
        try:
            self._pluggy.register(plugin.module, plugin.name)
            self._pluggy.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._pluggy.has_plugin(plugin.name):
                self._pluggy.unregister(name=plugin.name)
            unknown = [name for name in _marked(plugin.module) if name not in HOOKS]
            if unknown:
                hint = did_you_mean(closest(unknown[0], HOOKS)) or f"The hooks are: {', '.join(HOOKS)}."
                return f"there is no hook '{unknown[0]}'. {hint}"
            return " ".join(str(error).split())
        return None

    def _find(self, name: str) -> Plugin | None:
        return next((plugin for plugin in self.plugins if plugin.name == name), None)

    def _fail(self, plugin: Plugin) -> NoReturn:
        source = f" ({plugin.distribution} {plugin.version})" if plugin.distribution else ""
        raise PluginError(
            f"The plugin '{plugin.name}'{source} cannot be used: {plugin.error}",
            hint="Repair or uninstall it, or add its name to the setting optional_plugins.",
        )


def _asker(caller: pluggy.HookCaller) -> Asker:
    on_loop = all(inspect.iscoroutinefunction(each.function) for each in caller.get_hookimpls())

    async def ask(**arguments: Any) -> Any:
        # One plugin gives a list of one result, or of none for None.
        answers = caller(**arguments) if on_loop else await asyncio.to_thread(caller, **arguments)
        for answer in answers:
            return await answer if inspect.isawaitable(answer) else answer
        return None

    return ask


def _load_configuration(project: Path) -> Any:
    from cuboid.cube_python.plugin import load_plugin  # most projects have none

    return load_plugin(project)


def _load_file(path: Path) -> ModuleType:
    # The name is unlike that of another open project's plugin, and dataclasses look their module up by name.
    name = f"{path.stem}_{abs(hash(path.resolve())):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _marked(module: object) -> list[str]:
    return [name for name, value in vars(module).items() if hasattr(value, "cuboid_impl")]


def _unmarked(module: object) -> str | None:
    """A function with a hook's name but without the mark would silently do nothing."""
    for name in HOOKS:
        if callable(getattr(module, name, None)) and not hasattr(getattr(module, name), "cuboid_impl"):
            return f"its function '{name}' is not marked as a hook. Put @cuboid.hookimpl above it."
    return None
