"""Settings: which place wins, what a value may be, and what is said when it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl import config, paths
from vidctl.config import SETTINGS, Config, Setting
from vidctl.errors import UsageError
from vidctl.library.project_trust import ProjectTrust


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "vidctl.toml").write_text("", encoding="utf-8")
    return tmp_path / "vidctl.toml"


def user_file(text: str) -> Path:
    file = paths.user_config_file()
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_flag_then_environment_then_project_then_user_then_default(project: Path) -> None:
    key = "search.limit"
    flags: dict[str, Any] = {key: 1}
    environ = {"VIDCTL_SEARCH_LIMIT": "2"}
    project.write_text("[search]\nlimit = 3\n", encoding="utf-8")
    user = user_file("[search]\nlimit = 4\n")
    seen = []
    for keep in range(5):
        if keep == 3:
            project.write_text("", encoding="utf-8")
        if keep == 4:
            user.unlink()
        settings = Config(
            start=project.parent,
            flags=flags if keep < 1 else {},
            environ=environ if keep < 2 else {},
        )
        seen.append(settings.origin(key))
    assert [(origin.value, origin.source) for origin in seen] == [
        (1, "flag"),
        (2, "VIDCTL_SEARCH_LIMIT"),
        (3, str(project)),
        (4, str(user)),
        (10, "default"),
    ]


def test_an_empty_variable_is_no_variable(project: Path) -> None:
    settings = Config(start=project.parent, environ={"VIDCTL_GROUP": ""})
    assert settings.origin("group").source == "default"


def test_the_project_is_found_from_a_folder_below(project: Path) -> None:
    below = project.parent / "a" / "b"
    below.mkdir(parents=True)
    settings = Config(start=below, environ={})
    assert settings.project == project
    assert settings.library_path() == project.parent / ".vidctl" / "library.db"
    assert settings.media_folder() == project.parent / ".vidctl" / "media"


def test_without_a_project_the_user_level_library_is_used(tmp_path: Path, home: Path) -> None:
    settings = Config(start=tmp_path, environ={})
    assert settings.project is None
    assert settings.library_path() == home / "vidctl" / "data" / "library.db"


def test_paths_in_a_file_start_at_that_file(project: Path) -> None:
    project.write_text('db = "store/my.db"\n[media]\nfolder = "../films"\n', encoding="utf-8")
    ProjectTrust(Config(start=project.parent, environ={})).trust()
    below = project.parent / "a"
    below.mkdir()
    settings = Config(start=below, environ={})
    assert settings.library_path() == project.parent / "store" / "my.db"
    assert settings.media_folder() == project.parent / "../films"


def test_paths_in_flags_and_variables_start_where_one_is(tmp_path: Path) -> None:
    settings = Config(
        start=tmp_path, flags={"db": "my.db"}, environ={"VIDCTL_MEDIA_FOLDER": "films"}
    )
    assert settings.library_path() == tmp_path / "my.db"
    assert settings.media_folder() == tmp_path / "films"


def test_a_tilde_is_the_home_folder(tmp_path: Path, home: Path) -> None:
    settings = Config(start=tmp_path, flags={"db": "~/my.db"}, environ={})
    assert settings.library_path() == home / "my.db"


@pytest.mark.parametrize(
    ("key", "hint"),
    [("search.limits", "did you mean search.limit?"), ("zzz", "vidctl config show")],
)
def test_an_unknown_key_gets_the_nearest_one(key: str, hint: str) -> None:
    with pytest.raises(UsageError, match="there is no setting") as caught:
        config.setting_of(key)
    assert caught.value.hint == hint


def test_an_unknown_key_in_a_file_names_the_file(project: Path) -> None:
    project.write_text("[serch]\nlimit = 3\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        Config(start=project.parent, environ={}).origin("group")
    assert caught.value.message == f"{project}: there is no setting 'serch.limit'"
    assert caught.value.hint == "did you mean search.limit?"


@pytest.mark.parametrize(
    "text", ["group = ", "[search", "group = 'a'\ngroup = 'b'", 'group = "\x00"']
)
def test_bad_toml_names_the_file(project: Path, text: str) -> None:
    project.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is not valid TOML") as caught:
        Config(start=project.parent, environ={}).origin("group")
    assert str(project) in caught.value.message


def test_a_file_that_is_no_utf8_is_bad_toml(project: Path) -> None:
    project.write_bytes(b'group = "caf\xe9"\n')
    with pytest.raises(UsageError, match="is not valid TOML"):
        Config(start=project.parent, environ={}).origin("group")


BAD_VALUES = [
    ("search.limit", "many", "search.limit must be a whole number, not 'many'"),
    ("search.limit", 1.5, "search.limit must be a whole number, not 1.5"),
    ("search.limit", True, "search.limit must be a whole number, not True"),
    ("search.limit", "0", "search.limit must be from 1 to 1000, not '0'"),
    ("search.limit", 1001, "search.limit must be from 1 to 1000, not 1001"),
    ("embed.threads", -1, "embed.threads must be at least 0, not -1"),
    (
        "transcribe.part_seconds",
        "nan",
        "transcribe.part_seconds must be from 10 to 3600, not 'nan'",
    ),
    (
        "transcribe.part_seconds",
        "inf",
        "transcribe.part_seconds must be from 10 to 3600, not 'inf'",
    ),
    ("search.mode", "best", "search.mode must be one of hybrid, text, semantic, not 'best'"),
    ("group", 5, "group must be text, not 5"),
    ("group", "caf\udce9", r"group must be text, not 'caf\udce9'"),
]


@pytest.mark.parametrize(("key", "value", "said"), BAD_VALUES)
def test_bad_values(key: str, value: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.checked(config.setting_of(key), value)
    assert caught.value.message == said


@pytest.mark.parametrize("value", [[1, 2], "2025-01-07", 1.5, True])
def test_a_bad_value_in_a_file_names_the_file(project: Path, value: Any) -> None:
    import tomlkit

    project.write_text(tomlkit.dumps({"search": {"limit": value}}), encoding="utf-8")
    with pytest.raises(UsageError, match=r"vidctl\.toml: search\.limit must be a whole number"):
        Config(start=project.parent, environ={}).origin("group")


def test_numbers_may_be_written_as_whole_ones() -> None:
    assert config.checked(config.setting_of("transcribe.part_seconds"), 60) == 60.0


YES = Setting("flag", False, "a truth")


@pytest.mark.parametrize(
    ("raw", "value"),
    [("true", True), ("Yes", True), ("1", True), ("false", False), ("NO", False), (True, True)],
)
def test_truths(raw: Any, value: bool) -> None:
    assert config.checked(YES, raw) is value


def test_no_truth() -> None:
    with pytest.raises(UsageError, match="flag must be true or false, not 'maybe'"):
        config.checked(YES, "maybe")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_default_is_allowed(setting: Setting) -> None:
    assert config.checked(setting, setting.default) == setting.default
    assert setting.help
    assert setting.env == "VIDCTL_" + setting.key.upper().replace(".", "_").replace("-", "_")


RAW = st.one_of(st.text(), st.integers(), st.floats(), st.booleans())


@given(st.sampled_from(SETTINGS), RAW)
def test_any_value_is_converted_or_refused(setting: Setting, raw: Any) -> None:
    try:
        value = config.checked(setting, raw)
    except UsageError:
        return
    assert type(value) is type(setting.default)
    assert config.checked(setting, value) == value


# --- writing ------------------------------------------------------------------------------------


def test_writing_keeps_comments_and_other_keys(project: Path) -> None:
    project.write_text('# mine\ngroup = "acme"  # ours\n', encoding="utf-8")
    config.write(project, "search.limit", 5)
    config.write(project, "search.mode", "text")
    config.write(project, "group", "other")
    assert project.read_text(encoding="utf-8") == (
        '# mine\ngroup = "other"  # ours\n\n[search]\nlimit = 5\nmode = "text"\n'
    )


def test_removing_a_value_brings_the_default_back(project: Path) -> None:
    config.write(project, "search.limit", 5)
    config.write(project, "search.limit", None)
    assert Config(start=project.parent, environ={}).origin("search.limit").source == "default"


def test_writing_a_bad_value_leaves_the_file_alone(project: Path) -> None:
    project.write_text("# mine\n", encoding="utf-8")
    with pytest.raises(UsageError):
        config.write(project, "search.limit", 0)
    assert project.read_text(encoding="utf-8") == "# mine\n"
    assert list(project.parent.iterdir()) == [project]


@given(st.sampled_from(SETTINGS), st.data())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, setting: Setting, data: st.DataObject
) -> None:
    raw = data.draw(RAW)
    try:
        value = config.checked(setting, raw)
    except UsageError:
        return
    file = tmp_path_factory.mktemp("settings") / "vidctl.toml"
    key = setting.key.replace("*", "far-off")
    config.write(file, key, value)
    read = Config(start=file.parent, environ={}).seen(key)
    assert read.source == str(file)
    assert read.value == value


@pytest.mark.parametrize(
    ("path", "is_out"),
    [
        ("films", False),
        ("./a/../films", False),
        ("..", True),
        ("a/../../films", True),
        ("/films", True),
        ("~/films", True),
        ("away/films", True),
        ("away/..", True),
        ("here/films", False),
        ("loop/films", True),
        ("nul\0", True),
    ],
)
def test_a_path_leads_out_by_itself_or_by_a_link(tmp_path: Path, path: str, is_out: bool) -> None:
    folder = tmp_path / "project"
    (folder / "films").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (folder / "away").symlink_to(tmp_path / "elsewhere")
    (folder / "here").symlink_to("films")
    (folder / "loop").symlink_to("loop")
    assert config.leads_out(folder, path) is is_out
    (tmp_path / "link").symlink_to(folder)
    assert config.leads_out(tmp_path / "link", path) is is_out


def test_a_library_that_is_named_elsewhere_is_no_link_out_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "vidctl.toml").write_text("", encoding="utf-8")
    elsewhere = Config(start=project, flags={"db": "../other/library.db"}, environ={})
    assert elsewhere.strays == {}
    assert elsewhere.library_path() == project / "../other/library.db"
    (tmp_path / "other").mkdir()
    (project / ".vidctl").symlink_to(tmp_path / "other")
    inside = Config(start=project, environ={})
    assert inside.strays[".vidctl"] == str(tmp_path / "other")
