"""Load profiles: where they are found, how they inherit, and how each mistake is reported."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.errors import BundleError, ProfileError, UsageError
from bundler.profile.load import LoadedProfile, list_profiles, search_folders
from bundler.profile.marked_yaml import Mark, Node, read_text
from bundler.profile.merge import merge_layers
from bundler.profile.model import Profile
from bundler_compose.settings import ComposeSettings
from tests.support.profiles import installer_profile, load_profile


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty working folder; user and built-in profiles are elsewhere."""
    work = tmp_path / "work"
    (work / "profiles").mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return work


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / "profiles" / f"{name}.yaml").write_text(text)


def fails(name: str, *overrides: str) -> BundleError:
    with pytest.raises(BundleError) as caught:
        load_profile(name, overrides=overrides)
    return caught.value


# ---------------------------------------------------------------- finding


def test_project_profiles_precede_user_profiles_and_built_in_ones(folder: Path, tmp_path: Path) -> None:
    user = tmp_path / "config/bundle/profiles"
    user.mkdir(parents=True)
    (user / "mine.yaml").write_text("application: compose\ndescription: of the user\n")
    (user / "finance.yaml").write_text("application: compose\ndescription: of the user\n")
    write(folder, mine="application: compose\ndescription: of the project\n")
    assert load_profile("mine").profile.description == "of the project"
    assert load_profile("finance").profile.description == "of the user"
    assert load_profile("demo").path.parent == search_folders()[-1]
    found = {p.name: (p.origin, p.description) for p in list_profiles()}
    assert found["mine"] == ("project", "of the project")
    assert found["finance"] == ("user", "of the user")
    assert found["demo"][0] == "built-in"


def test_a_profile_may_extend_its_own_name_in_the_next_folder(folder: Path) -> None:
    write(folder, demo="extends: demo\ntitle: Ours\n")
    loaded = load_profile("demo")
    assert (loaded.profile.title, loaded.profile.application) == ("Ours", "compose")
    assert [path.parent.name for path in loaded.chain] == [search_folders()[-1].name, "profiles"]


def test_a_profile_is_found_by_path_and_by_name(folder: Path) -> None:
    write(folder, a="application: compose\n")
    (folder / "b.yml").write_text("extends: ./profiles/a.yaml\n")
    assert load_profile("b.yml").profile.application == "compose"
    assert load_profile("./b.yml").profile.name == "b"
    assert load_profile("profiles/a.yaml").profile.name == "a"


def test_a_broken_profile_does_not_hide_the_others(folder: Path) -> None:
    write(folder, broken="a: [\n", good="application: compose\n")
    found = {p.name: p.problem for p in list_profiles()}
    assert found["good"] is None
    assert "profiles/broken.yaml:" in (found["broken"] or "")


def test_one_name_in_two_files_is_refused(folder: Path) -> None:
    write(folder, a="application: compose\n")
    (folder / "profiles/a.yml").write_text("application: compose\n")
    assert "both define profile 'a'" in fails("a").message


# ---------------------------------------------------------------- inheriting

BASE = """
name: base
title: Base
description: not inherited
application: compose
version: "1"
sources: [registry]
registries:
  mirrors: {docker.io: one:5000}
  insecure: [one:5000]
requirements:
  cpu: {minimum: 2, recommended: 4}
settings: {project: shop, values: {a: 1, b: {c: 2, d: 3}}}
"""


def load(folder: Path, child: str, base: str = BASE) -> LoadedProfile:
    write(folder, base=base, child="extends: base\n" + child)
    return load_profile("child")


def test_unset_keys_are_inherited_except_those_about_the_file(folder: Path) -> None:
    profile = load(folder, "version: '2'\n").profile
    assert (profile.version, profile.application) == ("2", "compose")
    assert (profile.name, profile.title, profile.description) == ("child", "", "")


def test_mappings_merge_lists_replace_or_append_null_removes(folder: Path) -> None:
    loaded = load(
        folder,
        "sources+: [docker]\n"
        "registries: {mirrors: {quay.io: two:5000}, insecure: [two:5000]}\n"
        "requirements: {cpu: {recommended: null}}\n"
        "settings: {values: {b: {c: 7}}}\n",
    )
    assert loaded.profile.sources == ("registry", "docker")
    assert loaded.profile.registries.mirrors == {"docker.io": "one:5000", "quay.io": "two:5000"}
    assert loaded.profile.registries.insecure == ("two:5000",)
    cpu = installer_profile(loaded).requirements.cpu
    assert (cpu.minimum, cpu.recommended) == (2, None)
    assert loaded.profile.settings["values"] == {"a": 1, "b": {"c": 7, "d": 3}}


def test_sources_may_be_appended_to_the_default(folder: Path) -> None:
    write(folder, a="application: compose\nsources+: [docker]\n")
    assert load_profile("a").profile.sources == ("registry", "docker")


def test_several_parents_and_diamond_inheritance(folder: Path) -> None:
    write(
        folder,
        top="application: compose\nversion: '1'\nsources: [registry]\n",
        left="extends: top\nversion: '2'\nsources+: [docker]\n",
        right="extends: top\nsources+: [archive]\n",
        child="extends: [left, right]\n",
    )
    loaded = load_profile("child")
    assert loaded.profile.version == "2"
    assert loaded.profile.sources == ("registry", "docker", "archive"), "the top is merged once"
    assert [path.stem for path in loaded.chain] == ["top", "left", "right", "child"]


def test_paths_are_relative_to_the_file_that_contains_them(folder: Path) -> None:
    (folder / "company").mkdir()
    (folder / "company/base.yaml").write_text(
        "application: compose\nregistries: {ca_file: ca.pem}\nsettings: {project: app}\n"
    )
    write(folder, child="extends: ../company/base.yaml\n")
    loaded = load_profile("child")
    assert loaded.base == folder / "profiles"
    assert loaded.profile.registries.ca_file == Path("../company/ca.pem")
    assert loaded.settings(ComposeSettings).project == Path("../company/app")
    overridden = load_profile("child", overrides=["settings.project=here"])
    assert (overridden.base / overridden.settings(ComposeSettings).project).resolve() == folder / "here"


def test_the_origin_of_each_value_is_known(folder: Path) -> None:
    loaded = load(folder, "version: '2'\n")
    assert loaded.origin("version") == "profiles/child.yaml:2"
    assert loaded.origin("registries.mirrors") == "profiles/base.yaml:9"
    assert loaded.origin("health.timeout") == "default"


# ---------------------------------------------------------------- --set


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("version=1.10", "version", "1.10"),
        ("version=true", "version", "true"),
        ("health.timeout=10m", "health", {"timeout": 600}),
        ("release.counter=42", "release", {"counter": 42, "expires": None, "grace": 0}),
        ("release={expires: 2027-06-30, grace: 30d}", "release", {"expires": 1814400000, "grace": 2592000}),
        ("release.expires=2027-06-30T12:00Z", "release", {"expires": 1814356800}),
        ("release.expires=2027-06-30T12:00:01Z", "release", {"expires": 1814356801}),
        ("sources=[docker, registry]", "sources", ("docker", "registry")),
        ("sources+=docker", "sources", ("registry", "docker")),
        ("title=", "title", ""),
        ("title=a=b: c", "title", "a=b: c"),
        ('registries.mirrors."docker.io"=x:5000', "registries", {"mirrors": {"docker.io": "x:5000"}}),
        ("signing={required: true}", "signing", {"required": True}),
        ("version=null", "version", None),
    ],
)
def test_set(folder: Path, override: str, key: str, value: object) -> None:
    write(folder, a="application: compose\nversion: '9'\n")
    found = load_profile("a", overrides=[override]).profile.model_dump()[key]
    if isinstance(value, dict):
        assert found.items() >= value.items()
    else:
        assert found == value


@pytest.mark.parametrize(
    ("override", "says", "hint"),
    [
        ("version", "--set version: is not key=value", "for example"),
        ("=1", "is not key=value", "for example"),
        ("a..b=1", "is not key=value", "for example"),
        ("extends=demo", "extends=demo: cannot be set with --set", "extends another"),
        ("verson=1", "--set verson=1: unknown key", "did you mean `version`?"),
        ("sources=docker", "--set sources=docker: must be a list, not the string 'docker'", "write [docker]"),
        ("sources=[docker", "--set sources=[docker: a bracket or comma is missing", "close each"),
        ("registries.mirrors.docker.io=x:1", "must be a string", "quote a part"),
        ("health.timeout=soon", "--set health.timeout=soon: ", None),
        ("release.expires=2027-02-30", "'2027-02-30' is not a date", "write a day (2027-06-30)"),
        ("release.expires=2027-06-30T12:00", "is not a date", "a time in UTC (2027-06-30T12:00Z)"),
        ("release.expires=1814400000", "is not a date", "write a day"),
        ("release.counter=0", "release.counter", None),
        ("release.counter=1000000000000000", "release.counter", None),
        ("release.grace=30d", "release.grace", "add `expires:`"),
    ],
)
def test_an_invalid_set_is_reported(folder: Path, override: str, says: str, hint: str | None) -> None:
    write(folder, a="application: compose\n")
    error = fails("a", override)
    assert error.exit_code == 2
    assert says in error.message
    assert hint is None or hint in (error.hint or "")


# ---------------------------------------------------------------- mistakes

MISTAKES: dict[str, tuple[str, str, str]] = {
    "unknown key": ("application: compose\nverson: '1'\n", "a.yaml:2: verson: unknown key", "`version`"),
    "unknown deep key": (
        "application: compose\nrequirements:\n  memory:\n    minimun: 8GiB\n",
        "a.yaml:4: requirements.memory.minimun: unknown key",
        "`minimum`",
    ),
    "far from any key": ("application: compose\nzzz: 1\n", "a.yaml:2: zzz: unknown key", "keys here: name"),
    "a null under an unknown key": (
        "application: compose\nverson: null\n",
        "a.yaml:2: verson: unknown key",
        "`version`",
    ),
    "missing": ("version: '1'\n", "a.yaml:1: application: is missing", "add `application:`"),
    "1.10": (
        "application: compose\nversion: 1.10\n",
        "a.yaml:2: version: must be a string, not 1.10, which is the number 1.1",
        'write "1.10" in quotes',
    ),
    "20.10": (
        "application: compose\nrequirements:\n  docker: {minimum: 20.10}\n",
        "a.yaml:3: requirements.docker.minimum: must be a string, not 20.10, which is the number 20.1",
        'write "20.10" in quotes',
    ),
    "no": (
        "application: no\n",
        "a.yaml:1: application: must be a string, not no, which means false",
        'write "no" in quotes',
    ),
    "given twice": (
        "application: compose\nversion: '1'\nversion: '2'\n",
        "a.yaml:3: version: duplicate key, first defined on line 2",
        "keep one",
    ),
    "a tab": (
        "application: compose\nhealth:\n\ttimeout: 3\n",
        "a.yaml:3: a tab where only spaces",
        "indent with spaces",
    ),
    "a colon too many": ("application: a: b\n", "a.yaml:1: a second `:` on one line", "quote"),
    "an open bracket": (
        "application: compose\nsources: [a, b\n",
        "a.yaml:3: a bracket or comma",
        "close each",
    ),
    "an open quote": ('application: "compose\n', "a.yaml:2: a quote is not closed", "close each quote"),
    "no value": ("application: compose\nversion:\n", "a.yaml:2: version: has no value", "null to remove"),
    "a tag": ("application: !!python/name:os.system x\n", "a.yaml:1: application: the tag", "remove the tag"),
    "a list": ("- a\n", "a.yaml:1: a profile must be a mapping", "application: compose"),
    "two documents": ("application: a\n---\nb: c\n", "a.yaml:2: a second document", "single document"),
    "an unknown anchor": ("application: *x\n", "a.yaml:1: found undefined alias", "anchor"),
    "both ways": (
        "application: compose\nsources: [a]\nsources+: [b]\n",
        "a.yaml:3: sources+: `sources` is also set",
        "replace the list",
    ),
    "appending a text": (
        "application: compose\nsources+: docker\n",
        "a.yaml:2: sources+: must be a list",
        "`sources+: [...]`",
    ),
    "twice in a list": (
        "application: c\nsources: [a, b, a]\n",
        "a.yaml:2: sources.2: 'a' is listed twice",
        "keep",
    ),
    "an order": (
        "application: compose\nrequirements:\n  cpu: {minimum: 8, recommended: 4}\n",
        "a.yaml:3: requirements.cpu.recommended: is below the minimum",
        "raise or remove it",
    ),
    "a host": (
        "application: compose\nregistries:\n  insecure: ['http://x']\n",
        "a.yaml:3: registries.insecure.0:",
        "",
    ),
    "a file from nowhere": (
        "application: compose\nfiles:\n  - sha256: " + "a" * 64 + "\n",
        "a.yaml:3: files.0: neither `path` nor `url`",
        "exactly one",
    ),
    "a way out": (
        "application: compose\nfiles:\n  - {path: x, to: ../x, sha256: " + "a" * 64 + "}\n",
        "a.yaml:3: files.0.to:",
        "",
    ),
    "a missing parent": ("extends: bse\n", "a.yaml:1: extends: no profile 'bse'", "did you mean base?"),
    "a missing file": (
        "extends: ./no.yaml\n",
        "a.yaml:1: extends: no profile './no.yaml'",
        "folder of the file",
    ),
    "extending oneself": (
        "extends: ./a.yaml\n",
        "a.yaml:1: circular `extends`",
        "remove one of these",
    ),
    "extending a number": ("extends: 1.10\n", "a.yaml:1: extends: must be the name", 'write "1.10"'),
}


@pytest.mark.parametrize(("text", "says", "hint"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_reported_by_file_line_and_key(folder: Path, text: str, says: str, hint: str) -> None:
    write(folder, a=text, base=BASE)
    error = fails("a")
    assert f"profiles/{says}" in error.message
    assert hint in (error.hint or "")
    assert error.exit_code == 2


def test_circular_extends_names_every_file_in_it(folder: Path) -> None:
    write(folder, a="extends: b\n", b="extends: c\n", c="extends: a\n")
    error = fails("a")
    assert "profiles/c.yaml:1: circular `extends`" in error.message
    assert "profiles/a.yaml -> profiles/b.yaml -> profiles/c.yaml -> a" in error.message


def test_an_inherited_mistake_is_reported_where_it_stands(folder: Path) -> None:
    write(folder, base="application: compose\nhealth: {timeout: x}\n", child="extends: base\n")
    assert "profiles/base.yaml:2: health.timeout" in fails("child").message


def test_all_mistakes_are_reported_at_once(folder: Path) -> None:
    write(folder, a="application: compose\nverson: '1'\nplatform: amd64\nsources: []\n")
    error = fails("a")
    assert [line.split(": ")[:2] for line in error.message.splitlines()] == [
        ["profiles/a.yaml:2", "verson"],
        ["profiles/a.yaml:3", "platform"],
        ["profiles/a.yaml:4", "sources"],
    ]


def test_mistakes_in_application_settings_are_reported_likewise(folder: Path) -> None:
    write(folder, a="application: compose\nsettings:\n  projekt: x\n  profiles: web\n")
    with pytest.raises(ProfileError) as caught:
        load_profile("a").settings(ComposeSettings)
    assert "profiles/a.yaml:3: settings.projekt: unknown key" in caught.value.message
    assert (
        "profiles/a.yaml:4: settings.profiles: must be a list, not the string 'web'" in caught.value.message
    )
    assert "settings.project: is missing" in caught.value.message
    assert "did you mean `project`?" in (caught.value.hint or "")
    assert "write [web]" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"application: \xff\n", "a.yaml:1: not UTF-8"),
        (b"x: 1\napplication: a\x1f\n", "a.yaml:2: the character U+001F is not allowed"),
        (b"a: " + b"x" * (1024 * 1024 + 1), "a.yaml: larger than 1 MiB"),
        (b"a: " + b"[" * 60 + b"]" * 60, "a.yaml:1: nested too deeply"),
        (
            b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
                b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 9)) for n in range(97, 104)
            ),
            "values after expanding anchors",
        ),
        (b"a: &a {b: *a}\n", "an anchor that contains itself"),
    ],
    ids=["not UTF-8", "bell", "large", "deep", "billion laughs", "endless"],
)  # fmt: skip
def test_hostile_files_are_refused(folder: Path, raw: bytes, says: str) -> None:
    (folder / "profiles/a.yaml").write_bytes(raw)
    assert says in fails("a").message


def test_an_unknown_name_gets_a_suggestion(folder: Path) -> None:
    write(folder, finance="application: compose\n")
    with pytest.raises(UsageError, match="no profile named 'finanse'") as caught:
        load_profile("finanse")
    assert caught.value.hint == "did you mean finance?"


# ---------------------------------------------------------------- properties

KEYS = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    st.integers() | st.text("xy", max_size=2) | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=3)


def node(value: object) -> Node:
    mark = Mark("x", Path("/"))
    if isinstance(value, dict):
        return Node(mark, {key: node(item) for key, item in value.items()})
    if isinstance(value, list):
        return Node(mark, [node(item) for item in value])
    return Node(mark, value)  # type: ignore[arg-type]


def merged(*layers: dict[str, object]) -> object:
    return merge_layers([node(layer) for layer in layers]).plain()


@given(MAPPINGS)
def test_merging_nothing_changes_nothing(layer: dict[str, object]) -> None:
    assert merged(layer) == merged(layer, {}) == merged({}, layer) == merged(layer, layer) == layer


SHAPED: st.SearchStrategy[dict[str, object]] = st.deferred(
    lambda: st.fixed_dictionaries(
        {}, optional={"text": st.text("xy"), "list": st.lists(st.integers(), max_size=2), "map": SHAPED}
    )
)
"""Layers that agree on which values are mappings, as layers accepted by one model do."""


@given(SHAPED, SHAPED, SHAPED)
def test_merging_is_associative(
    one: dict[str, object], two: dict[str, object], three: dict[str, object]
) -> None:
    left = merge_layers([merge_layers([node(one), node(two)]), node(three)]).plain()
    right = merge_layers([node(one), merge_layers([node(two), node(three)])]).plain()
    assert left == right == merged(one, two, three)


@given(MAPPINGS, MAPPINGS)
def test_the_upper_layer_wins(lower: dict[str, object], upper: dict[str, object]) -> None:
    found = merged(lower, upper)
    assert isinstance(found, dict)
    assert set(found) == set(lower) | set(upper)
    for key, value in upper.items():
        if not isinstance(value, dict):
            assert found[key] == value
    for key in set(lower) - set(upper):
        assert found[key] == lower[key]


@given(st.lists(st.integers(), max_size=4), st.lists(st.integers(), max_size=4))
def test_appending_keeps_the_order(lower: list[int], upper: list[int]) -> None:
    assert merged({"a": lower}, {"a+": upper}) == {"a": lower + upper}


@given(st.text(max_size=200))
def test_any_text_parses_or_is_a_clear_error(text: str) -> None:
    try:
        tree = read_text(text, "x.yaml", Path("/"))
    except ProfileError as error:
        assert error.message.startswith("x.yaml:")  # noqa: PT017 hypothesis looks for another exception
    else:
        assert isinstance(tree.plain(), dict)


def test_the_reference_names_every_field() -> None:
    page = (Path(__file__).parents[4] / "docs/reference/profile.md").read_text()
    for name in Profile.model_fields:
        assert f"`{name}`" in page
