"""Probes at the site in every shell, with a fake Compose."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.installer import call, shells

HEAD = "#id\tservice\tlimit\tscript\twhen\ttitle_en\ttitle_zh\tremedy_en\tremedy_zh\n"
FAKE = r"""
compose() {
    [ "$1 $2" = "exec -T" ] || return 99
    case $4 in
        show) shift 3; for each in "$@"; do printf '<%s>\n' "$each"; done >"$HERE/shown" ;;
        read) cat >"$HERE/read" ;;
        hang) sleep 60 & wait ;;
        slow) sleep 3 ;;
        survives) sleep 60 & return "$5" ;;
        bytes) printf '\377\300\257 \303\251 \355\240\200 \360\235\204\236 \342\202\n'; return 1 ;;
        long) printf x; printf '\347\237\245%.0s' $(seq 120); return 1 ;;
        cut) yes aaaaaaa | head -c 65520; printf 'zzzzz\ns3cr3t-value\n'; return 1 ;;
        zero) printf 'a\000b\nthe reason\n'; return 1 ;;
        exit) printf '%s\n' "$6"; return "$5" ;;
        flood) yes | head -c 1000000 ;;
        absent) printf 'service "%s" is not running\n' "$3" >&2; return 1 ;;
        gone) printf 'exec: "nothing": executable file not found in $PATH\r\n' >&2; return 127 ;;
        colours)
            printf 'first line\n\033[31mred\033[0m \001bell\007 s3cr3t-value \342\200\256end\n\n'
            return 3 ;;
        heals) printf x >>"$HERE/tries"; [ "$(wc -c <"$HERE/tries")" -ge 3 ] ;;
        both) printf 'the reason\n' >&2; printf '1\n2\n3\n4\n'; return 1 ;;
        ok) return 0 ;;
    esac
}
"""


def write(folder: Path, *probes: tuple[str, Sequence[str]], **more: dict[str, str]) -> None:
    """Write the tables: one row per probe, with fields overridden by `more`, and its command's words."""
    here = folder / "here"
    here.mkdir(exist_ok=True)
    rows, words = HEAD, "#probe\tword\n"
    for name, command in probes:
        fields = {
            "id": name, "service": "web", "limit": "3", "script": "-", "when": "-",
            "title_en": f"Title {name}", "title_zh": f"标题 {name}",
            "remedy_en": f"Mend {name}", "remedy_zh": f"修复 {name}",
        } | more.get(name, {})  # fmt: skip
        rows += "\t".join(fields.values()) + "\n"
        words += "".join(f"{name}\t{word}\n" for word in command)
    (here / "probes.tsv").write_text(rows)
    (here / "probe-words.tsv").write_text(words)


def probe(shell: str, folder: Path, script: str = "", *, language: str = "en") -> dict[str, dict[str, str]]:
    """Return each probe's entry in the output of `status --json`, by ID."""
    made = 'keep "$SCRATCH/probes" list_probes\nmake_probes\nprintf "{"; print_probes_json; printf "}"\n'
    done = call(shell, FAKE + script + made, folder, language=language)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {entry.pop("id"): entry for entry in json.loads(done.stdout)["probes"]}


@pytest.mark.parametrize("shell", shells())
class TestProbes:
    """Running and reporting probes, in every shell."""

    def test_a_release_without_the_table_has_none(self, shell: str, tmp_path: Path) -> None:
        (tmp_path / "here").mkdir()
        assert probe(shell, tmp_path) == {}
        proved = call(shell, FAKE + "prove_work && echo proved", tmp_path)
        assert (proved.stdout, proved.stderr) == ("proved\n", "")

    def test_one_that_passes(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["ok"]))
        found = probe(shell, tmp_path)["a"]
        assert found == {
            "service": "web", "title": "Title a", "result": "ok", "said": "", "remedy": "Mend a",
        }  # fmt: skip
        chinese = probe(shell, tmp_path, language="zh")["a"]
        assert (chinese["title"], chinese["remedy"]) == ("标题 a", "修复 a")

    def test_arguments_arrive_as_they_are(self, shell: str, tmp_path: Path) -> None:
        words = ["show", "-", "$HOME `id` $(id)", " two  blanks ", "a\\nb", "*", "'\"", "-x", "中文"]
        write(tmp_path, ("a", words))
        assert probe(shell, tmp_path)["a"]["result"] == "ok"
        assert (tmp_path / "here/shown").read_text() == "".join(f"<{word}>\n" for word in words)

    def test_a_script_comes_on_standard_input(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["read"]), a={"script": "files/probes/a.py"})
        assert "files/probes/a.py" in probe(shell, tmp_path)["a"]["said"]
        (tmp_path / "here/files/probes").mkdir(parents=True)
        (tmp_path / "here/files/probes/a.py").write_text("print('a \\ b')\n")
        assert probe(shell, tmp_path)["a"]["result"] == "ok"
        assert (tmp_path / "here/read").read_text() == "print('a \\ b')\n"

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (["exit", "7", "no such queue"], "no such queue"),
            (["exit", "7", ""], "exited with 7 and printed nothing"),
            (["exit", "1", "exit status 1"], "exited with 1 and printed nothing"),
            (["absent"], 'service "web" is not running'),
            (["gone"], 'exec: "nothing": executable file not found in $PATH?'),
            (["colours"], "first line / red ?bell? ****** ?end"),
            (["flood"], "y / y / y"),
            (["cut"], "aaaaaaa / aaaaaaa / zzzzz"),
            (["zero"], "ab / the reason"),
            (["both"], "the reason / 2 / 3 / 4"),
            ([], "the release does not contain its command or file (-)"),
        ],
    )
    def test_one_that_fails_says_why(self, command: list[str], said: str, shell: str, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "root/secrets.env").write_text("KEY=s3cr3t-value\n")
        write(tmp_path, ("a", command))
        found = probe(shell, tmp_path)["a"]
        assert (found["result"], found["said"]) == ("failed", said)

    def test_one_that_hangs_is_ended(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["hang"]), ("b", ["ok"]), a={"limit": "1"})
        begun = time.monotonic()
        found = probe(shell, tmp_path)
        assert time.monotonic() - begun < 8
        assert (found["a"]["result"], found["b"]["result"]) == ("failed", "ok")
        assert "within 1 s" in found["a"]["said"]

    def test_one_that_leaves_something_behind_is_not_waited_for(self, shell: str, tmp_path: Path) -> None:
        """A background process of the probe may keep its output open forever."""
        probes = {"a": ["survives", "0"], "b": ["survives", "1"]}
        write(tmp_path, *probes.items(), **{name: {"limit": "1"} for name in probes})
        begun = time.monotonic()
        found = probe(shell, tmp_path)
        assert time.monotonic() - begun < 8
        assert (found["a"]["result"], found["b"]["result"]) == ("ok", "failed")
        assert "exited with 1" in found["b"]["said"]

    def test_many_run_at_the_same_time(self, shell: str, tmp_path: Path) -> None:
        write(
            tmp_path,
            *((f"n{number}", ["hang"]) for number in range(10)),
            *((f"n{number}.ok", ["ok"]) for number in range(10)),
            **{f"n{number}": {"limit": "2"} for number in range(10)},
        )
        begun = time.monotonic()
        found = probe(shell, tmp_path)
        assert time.monotonic() - begun < 10
        results = [entry["result"] for entry in found.values()]
        assert results == ["failed"] * 10 + ["ok"] * 10

    def test_no_table_can_make_one_longer_than_nine_seconds(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["hang"]), a={"limit": "999999999999999"})
        assert "within 2 s" in probe(shell, tmp_path, "PROBE_LONGEST=2\n")["a"]["said"]

    def test_one_for_a_variable_that_is_not_set_does_not_apply(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["exit", "1", "x"]), a={"when": "MAIL"})
        values = tmp_path / "root/state/compose.env"
        values.parent.mkdir(parents=True)
        assert probe(shell, tmp_path)["a"]["result"] == "not applicable"
        values.write_text("MAIL=''\nMAILER='x'\n")
        assert probe(shell, tmp_path)["a"]["result"] == "not applicable"
        for line in ("MAIL='relay'", 'MAIL="it${BUNDLE_QUOTE}s"'):
            values.write_text(f"OTHER='1'\n{line}\n")
            assert probe(shell, tmp_path)["a"]["result"] == "failed"

    def test_what_is_no_text_does_not_break_json(self, shell: str, tmp_path: Path) -> None:
        """The output has bytes that are not UTF-8, and a character that the limit of 300 bytes cuts."""
        write(tmp_path, ("a", ["bytes"]), ("b", ["long"]))
        (tmp_path / "root").mkdir()
        script = 'keep "$SCRATCH/probes" list_probes\nmake_probes\nprint_probes_json >"$HERE/json"\n'
        assert call(shell, FAKE + script, tmp_path).returncode == 0
        found = json.loads("{" + (tmp_path / "here/json").read_bytes().decode() + "}")["probes"]
        assert found[0]["said"] == "??? é ??? 𝄞 ??"
        assert found[1]["said"].strip("?") == "x" + 99 * "知"

    def test_what_status_shows(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["ok"]), ("b", ["exit", "1", "broken"]), ("c", ["ok"]), c={"when": "MAIL"})
        script = 'keep "$SCRATCH/probes" list_probes\nmake_probes\nprint_probes\n'
        shown = call(shell, FAKE + script, tmp_path).stdout.splitlines()
        assert shown == [
            "✓ Title a: ok", "✗ Title b: failed: broken", "      Mend b", "  Title c: not applicable",
        ]  # fmt: skip
        shown = call(shell, FAKE + script, tmp_path, language="zh").stdout.splitlines()
        assert shown[1:3] == ["✗ 标题 b: 失败\uff1abroken", "      修复 b"]

    def test_the_daily_inspection_has_them(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["ok"]), ("b", ["exit", "1", "broken"]), ("c", ["ok"]), c={"when": "MAIL"})
        script = 'printf "" >"$SCRATCH/inspection"\ninspect_probes\ncut -f 1-3 "$SCRATCH/inspection"\n'
        shown = call(shell, FAKE + script, tmp_path).stdout.splitlines()
        assert shown == ["probe a\tpass\tok", "probe b\tfail\tbroken", "probe c\tinfo\tnot applicable"]


@pytest.mark.parametrize("shell", shells())
class TestProof:
    """Probes as the condition of a successful start."""

    SCRIPT = """
RELEASE=r PROBE_PATIENCE=${PATIENCE:-0}
if prove_work; then echo proved; else echo "not: $unproven"; fi
"""

    def test_one_that_passes_only_after_a_while(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["heals"]), ("b", ["ok"]))
        done = call(shell, FAKE + "PATIENCE=20\n" + self.SCRIPT, tmp_path)
        assert done.stdout.splitlines()[-1] == "proved", done.stderr
        assert done.stderr == ""
        assert (tmp_path / "here/tries").read_text() == "xxx"

    def test_a_server_that_has_just_started_everything_is_slow(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["slow"]), a={"limit": "1"})
        done = call(shell, FAKE + self.SCRIPT, tmp_path)
        assert "no response within 1 s" in done.stderr
        done = call(shell, FAKE + "PATIENCE=40\n" + self.SCRIPT, tmp_path)
        assert (done.stdout.splitlines()[-1], done.stderr) == ("proved", "")

    def test_one_that_fails_is_named_with_its_remedy(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["ok"]), ("b", ["exit", "1", "broken"]))
        done = call(shell, FAKE + self.SCRIPT, tmp_path)
        assert done.stdout.splitlines()[-1] == "not: b "
        assert done.stderr.splitlines() == ["Probe b failed: Title b: broken", "    Remedy: Mend b"]

    def test_one_that_is_accepted_by_name(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("b", ["exit", "1", "broken"]))
        done = call(shell, FAKE + "ACCEPTED=' probe-b '\n" + self.SCRIPT, tmp_path)
        assert done.stdout.splitlines()[-1] == "proved"
        assert "broken" in done.stderr
        assert "\taccepted\tprobe-b" in (tmp_path / "root/state/journal").read_text()

    def test_on_the_way_back_it_is_said_only(self, shell: str, tmp_path: Path) -> None:
        """A probe that fails in the previous release may have failed before the upgrade, too."""
        write(tmp_path, ("b", ["exit", "1", "broken"]))
        done = call(shell, FAKE + "RETURNING=yes\n" + self.SCRIPT, tmp_path)
        assert done.stdout.splitlines()[-1] == "proved"
        assert "broken" in done.stderr

    def test_what_another_release_passed_is_not_believed(self, shell: str, tmp_path: Path) -> None:
        """A failed upgrade rolls back in the same run, so results of both releases occur in it."""
        write(tmp_path, ("a", ["ok"]))
        script = self.SCRIPT + 'RETURNING=yes\nsed \'s/ok/absent/\' "$HERE/probe-words.tsv" >"$HERE/new"\n'
        done = call(shell, FAKE + script + 'mv "$HERE/new" "$HERE/probe-words.tsv"\n' + self.SCRIPT, tmp_path)
        assert done.stdout.count("proved\n") == 2
        assert "Probe a failed" in done.stderr

    def test_a_full_scratch_folder_proves_nothing(self, shell: str, tmp_path: Path) -> None:
        write(tmp_path, ("a", ["ok"]))
        script = "judge_probes() { return 1; }\n" + self.SCRIPT
        done = call(shell, FAKE + script, tmp_path)
        assert done.returncode == 1
        assert "proved" not in done.stdout
