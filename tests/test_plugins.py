"""The registry on real distributions, written to a folder on the import path."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

import cuboid
from cuboid.catalog.files import ModelFile
from cuboid.errors import PluginError
from cuboid.hook_answers import HookAnswers
from cuboid.plugins import Registry
from cuboid.types import Principal

Install = Callable[..., None]

DRIVER = """
import cuboid

class Config(cuboid.DriverConfig):
    pass

class {driver}(cuboid.Driver):
    name = "{name}"
    dialect = "{name}"
    Config = Config
    def __init__(self, config): ...
    async def open(self): ...
    async def close(self): ...
    async def execute(self, job): ...

class {driver}Dialect(cuboid.Dialect):
    name = "{name}"
    sqlglot = "postgres"
    def to_civil(self, value, zone, kind): ...
    def date_trunc(self, granularity, civil): ...

@cuboid.hookimpl
def register_drivers(register):
    register({driver})

@cuboid.hookimpl
def register_dialects(register):
    register({driver}Dialect)
"""


def driver(name: str) -> str:
    return DRIVER.format(name=name, driver=name.capitalize())


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes a distribution ``cuboid-<name>`` with one module and one entry point."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install(name: str, code: str, *, entry_point: str | None = None) -> None:
        module = f"plugin_{name}_{tmp_path.name}".replace("-", "_")
        (site / f"{module}.py").write_text(textwrap.dedent(code))
        info = site / f"cuboid_{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cuboid-{name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[cuboid]\n{entry_point or name} = {module}\n")

    return install


def test_an_installed_driver_is_found_by_its_name(install: Install) -> None:
    install("stone", driver("stone"))
    registry = Registry.load()
    registry.require()
    assert registry.driver("stone").name == "stone"
    assert issubclass(registry.driver("stone"), cuboid.Driver)
    assert registry.dialect("stone") is registry.dialect("stone")
    (plugin,) = [each for each in registry.plugins if each.name == "stone"]
    assert (plugin.distribution, plugin.version) == ("cuboid-stone", "1.2")
    assert plugin.hooks == ("register_dialects", "register_drivers")


def test_a_driver_that_is_not_installed_names_the_package_to_install() -> None:
    with pytest.raises(PluginError) as caught:
        Registry.load().driver("oracle")
    assert caught.value.hint == "Install it: pip install cuboid-oracle"


def test_a_misspelt_driver_is_corrected_and_still_names_its_package(install: Install) -> None:
    install("stone", driver("stone"))
    with pytest.raises(PluginError) as caught:
        Registry.load().driver("stnoe")
    assert "'stone'" in str(caught.value.hint)
    assert "pip install cuboid-stnoe" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "import no_such_client",
            "it cannot be imported: ModuleNotFoundError: No module named 'no_such_client'",
        ),
        ("1 / 0", "it cannot be imported: ZeroDivisionError"),
        ("raise SystemError('no')", "it cannot be imported: SystemError: no"),
        (
            "import cuboid\n@cuboid.hookimpl\ndef register_driver(register): ...",
            "there is no hook 'register_driver'. Did you mean 'register_drivers'",
        ),
        (
            "import cuboid\n@cuboid.hookimpl\ndef register_drivers(registry): ...",
            "registry",
        ),
        (
            "def register_drivers(register): ...",
            "its function 'register_drivers' is not marked as a hook. Put @cuboid.hookimpl above it.",
        ),
    ],
)
def test_a_broken_plugin_stops_the_start_with_its_name_and_reason(
    install: Install, code: str, reason: str
) -> None:
    install("broken", code)
    with pytest.raises(PluginError) as caught:
        Registry.load().require()
    assert str(caught.value).startswith("The plugin 'broken' (cuboid-broken 1.2) cannot be used: ")
    assert reason in str(caught.value)
    assert "optional_plugins" in str(caught.value.hint)


def test_an_optional_plugin_may_be_broken_and_the_others_work(install: Install) -> None:
    install("broken", "1 / 0")
    install("stone", driver("stone"))
    registry = Registry.load(optional=["broken"])
    registry.require()
    assert registry.driver("stone").name == "stone"


@pytest.mark.parametrize("what", ["driver", "dialect"])
def test_two_plugins_with_one_driver_are_an_error_that_names_both(install: Install, what: str) -> None:
    install("one", driver("stone"))
    install("two", driver("stone"))
    registry = Registry.load()
    with pytest.raises(PluginError, match=f"'one' and 'two' both register the {what} 'stone'"):
        getattr(registry, what)("stone")


def test_two_plugins_of_one_name_are_an_error(install: Install) -> None:
    install("one", driver("one"), entry_point="stone")
    install("two", driver("two"), entry_point="stone")
    with pytest.raises(PluginError, match=r"'stone'.*another plugin has this name already"):
        Registry.load().require()


def test_a_driver_is_asked_for_in_the_plugin_of_its_name_only(install: Install) -> None:
    """So that the client libraries of other installed drivers are not imported."""
    install("stone", driver("stone"))
    install("trap", "import cuboid\n@cuboid.hookimpl\ndef register_drivers(register): 1 / 0")
    registry = Registry.load()
    registry.require()
    assert registry.driver("stone").name == "stone"
    with pytest.raises(PluginError, match=r"'trap'.*register_drivers failed: ZeroDivisionError"):
        registry.driver("other")


def test_all_plugins_can_be_asked_without_raising(install: Install) -> None:
    install("trap", "import cuboid\n@cuboid.hookimpl\ndef register_drivers(register): 1 / 0")
    registry = Registry.load()
    registry.ask_all()
    (plugin,) = [each for each in registry.plugins if each.name == "trap"]
    assert plugin.error == "register_drivers failed: ZeroDivisionError: division by zero"


def test_a_project_has_a_plugin_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "cuboid_plugin.py").write_text(driver("house"))
    registry = Registry.load(tmp_path)
    registry.require()
    assert registry.driver("house").name == "house"
    with pytest.raises(PluginError):
        Registry.load().driver("house")


def test_a_broken_project_plugin_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "cuboid_plugin.py").write_text("def (")
    with pytest.raises(PluginError, match=r"'cuboid_plugin' cannot be used: .*SyntaxError"):
        Registry.load(tmp_path).require()


def rewriting(line: str) -> str:
    return f"import cuboid\n@cuboid.hookimpl\ndef rewrite_query(query, principal):\n    {line}\n"


def test_hook_rewrite_query(install: Install, tmp_path: Path) -> None:
    """Each implementation sees what the one before returned; None leaves the query; claims are there."""
    install("a", rewriting("return {**query, 'steps': query['steps'] + ['a']}"))
    install("b", rewriting("return None"))
    install("c", rewriting("return {**query, 'steps': query['steps'] + ['c', principal.claims['who']]}"))
    (tmp_path / "cuboid_plugin.py").write_text(
        rewriting("return {**query, 'steps': query['steps'] + ['project']}")
    )
    principal = Principal(MappingProxyType({"who": "ann"}))
    rewritten = Registry.load(tmp_path).rewrite_query({"steps": []}, principal)
    assert rewritten == {"steps": ["a", "c", "ann", "project"]}


def answering(hook: str, line: str) -> str:
    return f"import cuboid\n@cuboid.hookimpl\ndef {hook}(principal):\n    {line}\n"


@pytest.mark.parametrize("hook", ["tenant", "model_version"])
def test_the_projects_own_plugin_answers_first(install: Install, tmp_path: Path, hook: str) -> None:
    install("a", answering(hook, "return 'installed'"))
    (tmp_path / "cuboid_plugin.py").write_text(answering(hook, "return principal.claims.get('x')"))
    answers = HookAnswers(Registry.load(tmp_path), tmp_path)
    ask = getattr(answers, hook)
    assert [ask(Principal({"x": "own"})), ask(Principal())] == ["own", "installed"]
    with pytest.raises(
        PluginError, match=f"hook {hook} of the plugin 'cuboid_plugin' gave a int, not a text"
    ):
        ask(Principal({"x": 1}))


@pytest.mark.parametrize("hook", ["tenant", "model_version", "groups", "model_files"])
def test_a_hook_that_fails_is_told_by_name_and_one_that_refuses_is_believed(
    tmp_path: Path, hook: str
) -> None:
    line = "if principal.claims['x']: raise cuboid.Forbidden('not you')"
    (tmp_path / "cuboid_plugin.py").write_text(answering(hook, line))
    ask = getattr(HookAnswers(Registry.load(tmp_path), tmp_path), hook)
    with pytest.raises(PluginError, match=f"The hook {hook} failed: KeyError: 'x'"):
        ask(Principal())
    with pytest.raises(cuboid.Forbidden, match="not you"):
        ask(Principal({"x": True}))


def test_hook_tenant(tmp_path: Path) -> None:
    (tmp_path / "cuboid_plugin.py").write_text(answering("tenant", "return principal.claims.get('firm')"))
    answers = HookAnswers(Registry.load(tmp_path), tmp_path)
    assert [answers.tenant(Principal({"firm": "a"})), answers.tenant(Principal())] == ["a", None]


def test_hook_model_version(tmp_path: Path) -> None:
    (tmp_path / "cuboid_plugin.py").write_text(answering("model_version", "return principal.claims['v']"))
    assert HookAnswers(Registry.load(tmp_path), tmp_path).model_version(Principal({"v": "7"})) == "7"


def test_hook_model_files(tmp_path: Path) -> None:
    """Files that are no models are left out; what the hook raises has its name."""
    line = "return [('model/a.yml', principal.claims['text']), ('globals.py', ''), ('data.json', '{}')]"
    (tmp_path / "cuboid_plugin.py").write_text(answering("model_files", line))
    answers = HookAnswers(Registry.load(tmp_path), tmp_path)
    assert answers.model_files(Principal({"text": "cubes: []"})) == (ModelFile("model/a.yml", "cubes: []"),)
    with pytest.raises(PluginError, match="model_files failed: KeyError: 'text'"):
        answers.model_files(Principal())
    with pytest.raises(PluginError, match="gave a list, not a path or a sequence of names and texts"):
        answers.model_files(Principal({"text": 1}))


def test_hook_groups(install: Install, tmp_path: Path) -> None:
    """The first answer counts, none leaves it to the claim."""
    install("a", answering("groups", "return {'installed'} if principal.claims.get('ask') else None"))
    (tmp_path / "cuboid_plugin.py").write_text(answering("groups", "return principal.claims.get('teams')"))
    answers = HookAnswers(Registry.load(tmp_path), tmp_path)
    assert answers.groups(Principal({"teams": ("a", "b"), "ask": True, "groups": "c"})) == {"a", "b"}
    assert answers.groups(Principal({"ask": True, "groups": "c"})) == {"installed"}
    assert answers.groups(Principal({"groups": "c"})) == {"c"}
    with pytest.raises(PluginError, match="gave a str, not a sequence of texts"):
        answers.groups(Principal({"teams": "a"}))


def test_hook_access_filters(install: Install, tmp_path: Path) -> None:
    """All filters of all plugins hold, on the cube's rows and for whoever reads them through another."""
    line = "return [{'member': 'a.n', 'operator': '%s', 'values': ['%s']}] if cube == 'a' else None"
    for name, bound in (("low", ("gt", "1")), ("high", ("lt", "4"))):
        install(name, answering("access_filters", line % bound).replace("(principal)", "(cube, principal)"))
    (tmp_path / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb}\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.yml").write_text(
        "cubes:\n"
        "  - name: a\n    sql: SELECT range AS n FROM range(10)\n"
        "    measures: [{name: count, type: count}]\n"
        "    dimensions: [{name: n, sql: n, type: number, primary_key: true}]\n"
        "  - name: b\n    sql: SELECT range AS n FROM range(10)\n"
        "    joins: [{name: a, relationship: one_to_one, sql: '{CUBE}.n = {a}.n'}]\n"
        "    dimensions: [{name: n, sql: n, type: number, primary_key: true, public: true}]\n"
    )
    with cuboid.open(tmp_path) as project:
        assert project.load({"measures": ["a.count"]}) == [{"a.count": "2"}]
        rows = project.load({"measures": ["a.count"], "dimensions": ["b.n"], "order": {"b.n": "asc"}})
        assert [row["b.n"] for row in rows if row["a.count"] == "1"] == ["2", "3"]
        assert len(rows) == 10


def test_a_hook_may_refuse(tmp_path: Path) -> None:
    (tmp_path / "cuboid_plugin.py").write_text(rewriting("raise cuboid.Forbidden('not you')"))
    with pytest.raises(cuboid.Forbidden, match="not you"):
        Registry.load(tmp_path).rewrite_query({}, Principal())


def test_two_projects_have_two_registries(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cuboid_plugin.py").write_text(rewriting(f"return {{'from': '{name}'}}"))
    registries = [Registry.load(tmp_path / name) for name in ("a", "b")]
    assert [each.rewrite_query({}, Principal()) for each in registries] == [{"from": "a"}, {"from": "b"}]


def test_hook_register_drivers(install: Install) -> None:
    install("stone", driver("stone"))
    assert {"stone", "duckdb"} <= set(Registry.load().drivers())


def test_hook_register_dialects(install: Install) -> None:
    install("stone", driver("stone"))
    assert {"stone", "duckdb"} <= set(Registry.load().dialects())


def test_hook_register_stores(install: Install) -> None:
    store = """
        import cuboid

        class Store(cuboid.RollupStore):
            name = "cellar"

        @cuboid.hookimpl
        def register_stores(register):
            register(Store)
    """
    install("cellar", textwrap.dedent(store))
    registry = Registry.load()
    assert registry.store("cellar").name == "cellar"
    assert registry.store("duckdb").__name__ == "DuckDBStore"
    with pytest.raises(PluginError, match="No installed plugin has the rollup store 'celar'") as caught:
        registry.store("celar")
    assert "cellar" in str(caught.value.hint)


def test_hook_register_exchanges(install: Install) -> None:
    exchange = """
        import cuboid

        class Exchange(cuboid.Exchange):
            name = "pigeons"
            schemes = ("pigeon", "pigeons")

        @cuboid.hookimpl
        def register_exchanges(register):
            register(Exchange)
    """
    install("pigeons", textwrap.dedent(exchange))
    registry = Registry.load()
    assert registry.exchange("pigeon").name == registry.exchange("pigeons").name == "pigeons"
    assert registry.exchange("rediss").__name__ == "RedisExchange"
    with pytest.raises(
        PluginError, match="No installed plugin has an exchange for URLs that begin with 'owl:'"
    ):
        registry.exchange("owl")


def test_an_installed_engine_is_not_imported_before_its_driver_is_used(tmp_path: Path) -> None:
    (tmp_path / "cuboid_plugin.py").write_text(driver("house"))
    code = """
        import sys
        from pathlib import Path
        from cuboid.plugins import Registry
        registry = Registry.load(Path(sys.argv[1]))
        registry.require()
        registry.driver("house"), registry.dialect("house"), registry.dialect("duckdb")
        print("duckdb" in sys.modules)
        registry.driver("duckdb")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]
