"""Values in bash scripts: what arrives is what was sent, and nothing of it is ever run.

The claims are put to the real bash: for accepted scripts with hostile values, and for refused ones to
show that the value would have been run, or would not have arrived.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mityflow.expressions import ExpressionError, Reference
from mityflow.shell_script import parse_script, render_script

VALUE = "{{ x }}"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
PWNED = "$(touch pwned)"
EVALUATED = f"BASH_VERSINFO[{PWNED}0]"


def bash(script: str, variables: dict[str, str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the script as the shell station does."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**ENVIRONMENT, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )


def fault(script: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        parse_script(script)
    return caught.value


# Where values may stand


@pytest.mark.parametrize(
    ("script", "placed"),
    [
        ("echo {{ x }}", 'echo "${MITY_1}"'),
        ('echo "{{ x }}"', 'echo "${MITY_1}"'),
        ("echo a{{ x }}b{{ y }}", 'echo a"${MITY_1}"b"${MITY_2}"'),
        ('echo "a {{ x }} b" --f={{ y }}', 'echo "a ${MITY_1} b" --f="${MITY_2}"'),
        (
            'echo $(echo {{ x }}) "$(echo {{ y }} "{{ z }}")"',
            'echo $(echo "${MITY_1}") "$(echo "${MITY_2}" "${MITY_3}")"',
        ),
        ("cat <<EOF\n\"{{ x }}\" '{{ y }}'\nEOF", "cat <<EOF\n\"${MITY_1}\" '${MITY_2}'\nEOF"),
        ("cat <<EOF\n$(echo {{ x }}) ${v:-{{ y }}}\nEOF", 'cat <<EOF\n$(echo "${MITY_1}") ${v:-${MITY_2}}\nEOF'),
        ("cat <<-E\n\t{{ x }}\n\tE\necho {{ y }}", 'cat <<-E\n\t${MITY_1}\n\tE\necho "${MITY_2}"'),
        ("cat <<A <<B\n{{ x }}\nA\n{{ y }}\nB", "cat <<A <<B\n${MITY_1}\nA\n${MITY_2}\nB"),
        ("cat <<< {{ x }}", 'cat <<< "${MITY_1}"'),
        ('echo "${v:-{{ x }}}" ${v:+{{ y }}}', 'echo "${v:-${MITY_1}}" ${v:+"${MITY_2}"}'),
        ("echo 'it''s' \\' {{ x }} # it's", "echo 'it''s' \\' \"${MITY_1}\" # it's"),
        ("x=$(case a in a) echo {{ x }};; esac)", 'x=$(case a in a) echo "${MITY_1}";; esac)'),
        ("case {{ x }} in a|(*) echo ;; esac", None),
        ("case {{ x }} in a|{{ y }}) ;; esac", 'case "${MITY_1}" in a|"${MITY_2}") ;; esac'),
        ("[[ {{ x }} == a* && $n -gt 1 ]]", '[[ "${MITY_1}" == a* && $n -gt 1 ]]'),
        ("[[ $v =~ ^({{ x }}|b c)$ ]]", '[[ $v =~ ^("${MITY_1}"|b c)$ ]]'),
        ("a=(1 {{ x }} [3]={{ y }}); a+=({{ z }})", 'a=(1 "${MITY_1}" [3]="${MITY_2}"); a+=("${MITY_3}")'),
        ('m[$i]={{ x }}; m["k"]={{ y }}', 'm[$i]="${MITY_1}"; m["k"]="${MITY_2}"'),
        ("echo $((1 + 2)) ${#v} ${v%%.*} $# {{ x }}", 'echo $((1 + 2)) ${#v} ${v%%.*} $# "${MITY_1}"'),
        ("{{ x }} --version", '"${MITY_1}" --version'),
        ("echo {{ x }} > {{ y }} 2>&1 &", 'echo "${MITY_1}" > "${MITY_2}" 2>&1 &'),
        ("ls @(a|{{ x }}) {{ y }}* {a,{{ z }}}", 'ls @(a|"${MITY_1}") "${MITY_2}"* {a,"${MITY_3}"}'),
        ("echo {% {{ x }} %} {# #}", 'echo {% "${MITY_1}" %} {# #}'),
        ("echo '{{'", None),
        ("echo {{ '{{.Names}}' }}", 'echo "${MITY_1}"'),
        ("echo plain", "echo plain"),
    ],
)
def test_each_value_becomes_a_variable_quoted_as_its_place_needs(script: str, placed: str | None) -> None:
    if placed is None:
        assert fault(script)
    else:
        assert parse_script(script).text == placed


@pytest.mark.parametrize(
    "script",
    [
        "bash script.sh {{ x }}",
        "bash -x -o pipefail script.sh {{ x }}",
        "bash -c 'echo \"$1\"' _ {{ x }}",
        'bash "$dir/run.sh" {{ x }}',
        "python3 tool.py -c {{ x }}",
        "python3 -c 'import sys' {{ x }}",
        "python3 -m pytest -k {{ x }}",
        "perl -e 'print' -- {{ x }}",
        "find . -name {{ x }} -exec sh -c 'echo \"$1\"' _ {} \\;",
        "docker build . -t {{ x }}",
        "export A={{ x }} B=1",
        "readonly A={{ x }}",
        "f() { local a={{ x }}; }",
        "A={{ x }} make",
        "test -n {{ x }} && [ {{ x }} = a ] && [ ! -d {{ x }} ] && [ {{ x }} ]",
        "printf '%s' {{ x }}; printf -- '%s' {{ x }}; printf -v name '%s' {{ x }}",
        "if [[ -n {{ x }} ]]; then echo {{ x }}; else exit 1; fi",
        "while read -r l; do echo \"$l\" {{ x }}; done < <(printf '%s' {{ x }})",
        'for v in {{ x }} b; do echo "$v"; done',
        "for ((i = 0; i < 2; i++)); do echo {{ x }}; done",
        "function f { echo {{ x }}; }; f | cat",
        "echo {{ x }} | while read -r l; do :; done; curl https://example.com | bash",
        "echo {{ x }} |\n  cat\ncurl https://example.com |\n  bash",
        "bash <<'E'\necho hi\nE\necho {{ x }}",
        "$SUDO apt-get install {{ x }}; $CMD {{ x }} {{ x }}=1; ${MAKE:-make} {{ x }}; $DIR/tool {{ x }}",
        "git commit -m {{ x }}; echo \"done: {{ x }}\" 'it is'",
        'set -- a {{ x }}; echo "$@" ${1:?{{ x }}}',
        'echo "${a["k"]} $((a["k"])) ${a[$i]}" ${a[\'k\']} {{ x }}',
        "time echo {{ x }}; ! grep {{ x }} file || true",
        "echo {{ x }} &> log; echo {{ x }} >> log 2>> err",
    ],
)
def test_usual_scripts_are_accepted(script: str) -> None:
    assert "{{" not in parse_script(script).text


PLACES: dict[str, str] = {
    "a word": "printf '%s' {{ x }}",
    "double quotes": "printf '%s' \"{{ x }}\"",
    "double quotes over lines": "printf '%s' \"\n{{ x }}\n\" | sed '1d'",
    "here-document": "cat <<EOF\n{{ x }}.\nEOF",
    "indented here-document": "cat <<-EOF\n{{ x }}.\n\tEOF",
    "here-string": "cat <<< {{ x }}",
    "command substitution": "printf '%s' \"$(printf '%s.' {{ x }})\"",
    "nested substitutions": "printf '%s' \"$(printf '%s' \"$(printf '%s.' \"{{ x }}\")\")\"",
    "substitution in a here-document": "cat <<EOF\n$(printf '%s.' {{ x }})\nEOF",
    "here-document in a substitution": "printf '%s' \"$(cat <<EOF\n{{ x }}.\nEOF\n)\"",
    "default": "printf '%s' ${none:-{{ x }}}",
    "default in quotes": "printf '%s' \"${none:-{{ x }}}\"",
    "default in quotes twice": 'printf \'%s\' "${none:-"{{ x }}"}"',
    "assignment": "v={{ x }}; printf '%s' \"$v\"",
    "export": "export V={{ x }}; bash -c 'printf %s \"$V\"'",
    "local": "f() { local v={{ x }}; printf '%s' \"$v\"; }; f",
    "before a command": "V={{ x }} bash -c 'printf %s \"$V\"'",
    "array": "a=(1 {{ x }}); printf '%s' \"${a[1]}\"",
    "loop": "for v in {{ x }}; do printf '%s' \"$v\"; done",
    "function": "f() { printf '%s' \"$1\"; }; f {{ x }}",
    "process substitution": "cat <(printf '%s' {{ x }})",
    "argument of a script": "bash -c 'printf %s \"$1\"' _ {{ x }}",
    "pattern": "case {{ x }} in {{ x }}) printf '%s' {{ x }} ;; esac",
    "conditional": "[[ {{ x }} == {{ x }} ]] && printf '%s' {{ x }}",
    "test": "[ {{ x }} = {{ x }} ] && printf '%s' {{ x }}",
}
WRAPPINGS = [
    "{}",
    "if true; then\n{}\nfi",
    "(\n{}\n)",
    "{{\n{}\n}} | cat",
    "g() {{\n{}\n}}; g",
    "case a in a|b)\n{}\n;; esac",
    "while true; do\n{}\nbreak; done",
    "cat <(\n{}\n)",
    "printf '%s' \"$(\n{}\nprintf .)\"",
]
HOSTILE = [
    *(PWNED, "`touch pwned`", EVALUATED, f"({PWNED})", f"-v{EVALUATED}", "touch pwned", "; touch pwned #"),
    *("\ntouch pwned\n", '"; touch pwned; "', "'; touch pwned; '", "EOF\ntouch pwned\nEOF", ") ; touch pwned; ("),
    *("}; touch pwned; {", "* ? [a-z] ~ {a,b}", "", " ", "\n", "-n", "-e", "--", "\\", "a\\", "!x", "$HOME ${PATH} $1"),
    *("%s%n", "&", "äöü €", "\ttab", "\r\n", "x" * 5000, "MITY_1", "${MITY_1}", "{{ x }}"),
]
VALUES = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(PLACES)), st.sampled_from(WRAPPINGS), VALUES)
def test_a_value_arrives_byte_for_byte_and_is_never_run(folder: Path, place: str, wrapping: str, value: str) -> None:
    text, variables = render_script(wrapping.format(PLACES[place]), {"x": value})
    result = bash(text, variables, folder)
    assert result.stdout.startswith(value.encode()), result
    assert result.stdout.removeprefix(value.encode()).strip(b".\n") == b"", result
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_value_arrives_at_every_place(folder: Path, place: str) -> None:
    for value in HOSTILE:
        text, variables = render_script(PLACES[place], {"x": value})
        result = bash(text, variables, folder)
        assert result.stdout.startswith(value.encode()), (value, result)
        assert list(folder.iterdir()) == []


# Where values may not stand

RUN = {
    "arithmetic expansion": "echo $(( {{ x }} + 1 ))",
    "arithmetic expansion in quotes": 'echo "$(({{ x }}))"',
    "old arithmetic expansion": "echo $[ {{ x }} ]",
    "arithmetic command": "(( {{ x }} ))",
    "arithmetic loop": "for ((i = 0; i < {{ x }}; i++)); do :; done",
    "substitution in arithmetic": "echo $(( $(echo {{ x }}) ))",
    "let": "let n={{ x }}",
    "number comparison": "[[ {{ x }} -eq 1 ]]",
    "number comparison, right side": "[[ 1 -lt {{ x }} ]]",
    "substitution in a number comparison": "[[ 1 -lt $(echo {{ x }}) ]]",
    "array index": "a[{{ x }}]=1",
    "array index in quotes": 'a["{{ x }}"]=1',
    "array index with blanks": "a[1 + {{ x }}]=1",
    "index in an array's values": "a=([{{ x }}]=1)",
    "array index that is read": "a=(1); echo ${a[{{ x }}]}",
    "part of a variable": "v=abc; echo ${v:{{ x }}}",
    "length of a part": "v=abc; echo ${v:0:{{ x }}}",
    "array index for unset": 'a=(1); unset "a[{{ x }}]"',
    "integer variable": "declare -i n; n={{ x }}",
    "integer variable at once": "declare -i n={{ x }}",
    "local integer": "f() { local -i n={{ x }}; }; f",
    "name reference": "declare -n r={{ x }}; echo $r",
    "declared list": "declare -a l={{ x }}",
    "declared array": "a=(1); declare a={{ x }}",
    "local array": "f() { local a=(1); local a={{ x }}; }; f",
    "readonly list": "readonly -a l={{ x }}",
    "name for declare": "declare {{ x }}=1",
    "whole argument of declare": "declare {{ x }}",
    "evaluated variable": "RANDOM={{ x }}",
    "prompt of a trace": "PS4={{ x }}; set -x; :",
    "start file of bash": "BASH_ENV={{ x }} bash -c :",
    "name for read": "read {{ x }} <<< 1",
    "name for printf": "printf -v {{ x }} 1",
    "start of printf's format": "printf {{ x }} a",
    "variable test": "[[ -v {{ x }} ]]",
    "variable test of test": "test -v {{ x }}",
    "variable test of [": "[ -v {{ x }} ]",
    "quoted variable test": '[ "-v" {{ x }} ]',
    "operator of a test": "[ {{ x }} {{ x }} ]",
    "split words of a test": "[ -n $(printf %s {{ x }}) ]",
    "eval": "eval {{ x }}",
    "eval in double quotes": 'eval "echo {{ x }}"',
    "eval of a substitution": 'eval "$(echo {{ x }})"',
    "eval by another spelling": "command e\\val {{ x }}",
    "eval after a variable that may be empty": "none=; $none eval {{ x }}",
    "eval with an empty variable in it": 'none=; "${none}"eval {{ x }}',
    "eval through a function": 'run() { "$@"; }; run eval {{ x }}',
    "trap": 'trap "{{ x }}" EXIT',
    "sh -c": 'sh -c "echo {{ x }}"',
    "bash -c after options": 'bash -eu -o pipefail -c "echo {{ x }}"',
    "bash -c after an assignment": "A=1 bash -c {{ x }}",
    "bash -c by way of env": 'env A=1 bash -c "echo {{ x }}"',
    "bash -c with words that vanish": "none=; bash -c $none {{ x }}",
    "bash -c after a variable that may be empty": 'none=; $none bash -c "{{ x }}"',
    "bash -c by way of a function": 'run() { "$@"; }; run bash -c {{ x }}',
    "option of bash": "bash {{ x }} {{ y }}",
    "source": "source <(echo {{ x }})",
    "dot": ". <(echo {{ x }})",
    "here-document of a shell": "bash <<E\necho {{ x }}\nE",
    "here-string of a shell": "sh <<< {{ x }}",
    "file of a shell": "bash < <(echo {{ x }})",
    "pipe to a shell": "echo {{ x }} | bash",
    "pipe to a shell on the next line": "echo {{ x }} |\n\n# here\nbash",
    "pipe of a here-document to a shell on the next line": "cat <<E |\n{{ x }}\nE\nbash",
    "pipe of a group to a shell": "{ echo {{ x }}; } | bash",
    "pipe of a loop to a shell": 'for v in {{ x }}; do echo "$v"; done | bash',
    "pipe of a here-document to a shell": "cat <<E | bash\n{{ x }}\nE",
    "pipe of a function to a shell": "f() { echo {{ x }}; }; f | bash",
    "pipe to a loop with a shell": "echo {{ x }} | while true; do bash; break; done",
    "pipe to a function with a shell": "f() { bash; }; echo {{ x }} | f",
    "pipe to shell arguments": "echo {{ x }} | xargs -I% sh -c 'echo %'",
    "output to a shell": "echo {{ x }} > >(bash); wait $!",
    "words that are a command": "$(echo {{ x }})",
    "words that env runs": "env $(echo {{ x }})",
    "completion words": "compgen -W {{ x }}",
    "callback of mapfile": "mapfile -C {{ x }} -c 1 l <<< 1",
    "after an unquoted end of substitution": "echo $(bash <<< {{ x }})",
}
LITERAL = {
    "single quotes": "echo '{{ x }}'",
    "quotes with escapes": "echo $'{{ x }}'",
    "quoted here-document": "cat <<'E'\n{{ x }}\nE",
    "here-document with an escaped end": "cat <<\\E\n{{ x }}\nE",
    "comment": "echo # {{ x }}",
    "comment at the start of a line": "echo\n# {{ x }}",
    "after a backslash": "echo \\{{ x }}",
    "after a backslash in quotes": 'echo "\\{{ x }}"',
    "end of a here-document": "cat <<{{ x }}\nE",
    "name of a variable": "{{ x }}=1",
    "part of a name of a variable": "v{{ x }}=1",
    "name of a variable to export": "export {{ x }}=1",
    "name after an exclamation mark": "echo ${!{{ x }}}",
    "name of a loop variable": "for {{ x }} in a; do :; done",
    "name of a function": "{{ x }}() { :; }",
    "name of a function with a keyword": "function {{ x }} { :; }",
}
CAUTION = {
    "after a dollar sign": "echo ${{ x }}",
    "after a dollar sign in quotes": 'echo "$${{ x }} ${{ x }}"',
    "name of a variable to read": "echo ${ {{ x }} }",
    "backquotes": "echo `echo {{ x }}`",
    "translated quotes": 'echo $"{{ x }}"',
    "number comparison of [": "[ {{ x }} -eq 1 ]",
    "number comparison of test": "test 1 -ne {{ x }}",
    "many operators of [": "[ {{ x }} = a -a {{ y }} = b ]",
    "unset": "unset {{ x }}",
    "getopts": "getopts a {{ x }}",
    "wait": "wait -p {{ x }}",
    "pattern of a variable": 'echo "${v#{{ x }}}"',
    "replacement in a variable": 'echo "${v/a/{{ x }}}"',
    "assigned default": ": ${v:={{ x }}}",
    "remote shell": "ssh host ls {{ x }}",
    "script by value": "bash {{ x }}",
    "code for python": 'python3 -c "print({{ x }})"',
    "code for perl": 'perl -pe "s/a/{{ x }}/" f',
    "code for python from a here-document": "python3 - <<E\nprint({{ x }})\nE",
    "option after code": "perl -e 1 {{ x }}",
    "coprocess": "coproc N { eval {{ x }}; }",
    "quote in a variable in quotes": 'echo "${v:-it\'s} {{ x }}"',
    "quote in an array index in quotes": "echo \"${a[it's]}\" {{ x }} 'b'",
    "quote in arithmetic in quotes": "echo \"$((a['k']))\" {{ x }}",
    "quote in a variable in a here-document": 'cat <<E\n${v:-"a"} {{ x }}\nE',
    "arithmetic or two subshells": "echo $((echo a); echo b) {{ x }}",
    "unknown expansion": "echo ${ echo a; } {{ x }}",
    "open double quote": 'echo "{{ x }}',
    "open single quote": "echo {{ x }} 'a",
    "open backquote": "echo {{ x }} `a",
    "open substitution": "echo $(echo {{ x }}",
    "open group": "echo ${v:-{{ x }}",
    "open array": "a=( {{ x }}",
    "open index": "a[ {{ x }}",
    "open condition": "[[ {{ x }}",
    "open case": "case {{ x }} in a) echo",
    "open arithmetic": "echo {{ x }} $((1",
    "open here-document": "cat <<E\n{{ x }}",
    "here-document without a beginning": "echo $(cat <<E) {{ x }}",
    "closed too often": "echo {{ x }} )",
    "case that ends nothing": "echo {{ x }};;",
    "redirection to nothing": "echo {{ x }} >",
    "own use of the names": "echo $MITY_1 {{ x }}",
    "a character no variable holds": "echo {{ x }} \0",
    "too deep": "echo " + "$(" * 200 + "{{ x }}" + ")" * 200,
}


FAULT_ELSEWHERE = {
    "integer variable": "-i",
    "integer variable at once": "-i",
    "local integer": "-i",
    "name reference": "-n",
    "output to a shell": ">(",
}


def pasted(script: str) -> list[str]:
    """The script as it would be without the fault, with and without quotes of its own."""
    return [script.replace("{{ x }}", f"{q}${{MITY_1}}{q}").replace("{{ y }}", '"${MITY_2}"') for q in ('"', "")]


@pytest.mark.parametrize("name", RUN)
def test_a_value_is_refused_where_bash_would_run_it(name: str, tmp_path: Path) -> None:
    error = fault(RUN[name])
    assert RUN[name].startswith(FAULT_ELSEWHERE.get(name, "{{"), error.offset)
    assert error.hint
    attempts = [
        PWNED,
        EVALUATED,
        f"({PWNED})",
        "touch pwned",
        f"-v{EVALUATED}",
        "-c",
        f"a -o -v {EVALUATED}",
        f"{EVALUATED}=1",
        f"v[{PWNED}0]",
        f"v[{PWNED}0]=1",
    ]
    attempts = [a.replace(" pwned", "${IFS}pwned") if "-o" in a else a for a in attempts]
    for script in pasted(RUN[name]):
        for attempt in attempts:
            bash(script, {"MITY_1": attempt, "MITY_2": "touch pwned"}, tmp_path)
            if (tmp_path / "pwned").exists():
                return
    pytest.fail("bash did not run any of the values")


@pytest.mark.parametrize("name", LITERAL)
def test_a_value_is_refused_where_it_would_not_arrive(name: str, tmp_path: Path) -> None:
    error = fault(LITERAL[name])
    assert LITERAL[name].startswith("{{", error.offset)
    assert error.hint
    for script in pasted(LITERAL[name]):
        assert b"arrived" not in bash(script, {"MITY_1": "arrived"}, tmp_path).stdout


@pytest.mark.parametrize("name", CAUTION)
def test_a_value_is_refused_where_its_fate_is_not_certain(name: str) -> None:
    assert fault(CAUTION[name])


@pytest.mark.parametrize("name", [*RUN, *LITERAL])
def test_the_same_scripts_without_a_value_are_nobodys_business(name: str) -> None:
    script = {**RUN, **LITERAL}[name].replace("{{ x }}", "v").replace("{{ y }}", "w")
    assert parse_script(script).text == script


def test_the_hint_is_the_environment_of_the_step() -> None:
    error = fault("echo '{{ x }}'")
    assert (error.offset, error.message) == (6, "a value cannot stand inside single quotes")
    assert "'env:'" in (error.hint or "")


FRAGMENTS = [
    *("echo ", "printf '%s' ", "eval ", "bash -c ", "bash ", "[ ", "[[ ", " ]]", " ]", " -eq ", " = ", " =~ ", " -v "),
    *(
        VALUE,
        VALUE,
        VALUE,
        VALUE,
        '"',
        '"',
        "'",
        "'",
        "$(",
        "$((",
        ")",
        "))",
        "(",
        "((",
        "`",
        "\\",
        "$",
        "${v:-",
        "${a[",
    ),
    *("${!", "${", "}", "]", "a[", "a=(", "a=", "v+=", "declare ", "declare -i ", "local ", "export ", "read ", "let "),
    *("<<E\n", "\nE\n", "<<'E'\n", "<<<", "< ", "<(", "| ", "|| ", "&& ", "& ", "; ", "\n", " ", "#", "if true; then "),
    *(
        "fi",
        "while true; do ",
        "break; ",
        "done",
        "case a in ",
        "a) ",
        ";; ",
        "esac",
        "{ ",
        "; }",
        "f() {",
        "f ",
        "$'",
        "@(",
    ),
    *(
        "trap ",
        " EXIT",
        "test ",
        "source ",
        "command ",
        "env ",
        "xargs ",
        "| bash",
        "-c ",
        "unset ",
        "cat <<E | bash\n",
    ),
]
SCRIPTS = st.lists(st.sampled_from(FRAGMENTS), min_size=2, max_size=10).map("".join)


@settings(max_examples=300, deadline=None)
@example("for v in {{ x }}; do echo $v; done | cat", PWNED)
@given(SCRIPTS, st.sampled_from(HOSTILE))
def test_no_accepted_script_runs_a_value(folder: Path, script: str, value: str) -> None:
    try:
        text, variables = render_script(script, {"x": value})
    except ExpressionError:
        return
    subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env={**ENVIRONMENT, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert not (folder / "pwned").exists()


@settings(max_examples=300, deadline=None)
@given(st.text() | SCRIPTS)
def test_no_text_raises_anything_but_an_expression_error(script: str) -> None:
    offset = 0
    try:
        parse_script(script)
    except ExpressionError as error:
        offset = error.offset
    assert 0 <= offset <= len(script)


# Values, references and errors


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        ("", ""),
        (3, "3"),
        (2.5, "2.5"),
        (True, "true"),
        (False, "false"),
        (["a", 1], '["a",1]'),
        ({"k": None}, '{"k":null}'),
    ],
)
def test_values_have_the_text_they_have_elsewhere(value: Any, text: str) -> None:
    assert render_script("echo {{ x }}", {"x": value}) == ('echo "${MITY_1}"', {"MITY_1": text})


def test_each_expression_has_a_variable_of_its_own() -> None:
    text, variables = render_script("echo {{ a }} {{ b ~ '!' }} {{ a }}", {"a": "1", "b": "2"})
    assert text == 'echo "${MITY_1}" "${MITY_2}" "${MITY_3}"'
    assert variables == {"MITY_1": "1", "MITY_2": "2!", "MITY_3": "1"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "null"),
        ("a\0b", "NUL"),
        ("a\ud800b", "half a character"),
        ("x" * 200_000, "200000 bytes"),
    ],
)
def test_values_that_no_variable_can_hold_are_refused(value: Any, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        render_script("echo {{ x }}", {"x": value})


def test_the_longest_value_can_be_handed_over(tmp_path: Path) -> None:
    value = "x" * (128 * 1024 - 100)
    text, variables = render_script("printf '%s' {{ x }}", {"x": value})
    assert bash(text, variables, tmp_path).stdout == value.encode()


def test_what_is_undefined_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="unknown name 'y'"):
        render_script("echo {{ y }}", {"x": 1})


def test_references_have_their_places_in_the_script() -> None:
    script = parse_script("echo hi\necho {{ inputs.a }} {{ outputs.b | default('') }}")
    assert script.references == (
        Reference(("inputs", "a"), 16, False),
        Reference(("outputs", "b"), 31, True),
    )


@pytest.mark.parametrize(
    ("script", "offset"),
    [("echo {{ a b }}", 10), ("echo\necho {{ 'x' | nope }}", 19), ("echo {{ a", 5), ("echo {{ a.unit-tests }}", 10)],
)
def test_a_wrong_expression_is_located_in_the_script(script: str, offset: int) -> None:
    assert fault(script).offset == offset


@pytest.mark.parametrize(
    "grow",
    [
        lambda n: "echo {{ x }}\n" * n,
        lambda n: 'echo "' + "{{ x }} " * n + '"',
        lambda n: "cat <<E\n" + "{{ x }} \\\n" * n + "\nE\n",
        lambda n: "echo {{ x }} " + "a" * 20 * n + "[" * n,
        lambda n: "a=(" + "{{ x }} " * n + ")",
        lambda n: "echo {{ x }} | " + "cat | " * n + "cat",
        lambda n: "echo " + "{{ x }}" * n,
        lambda n: "{{ x }}" * n,
    ],
)
def test_a_long_script_takes_time_in_proportion(grow: Callable[[int], str]) -> None:
    def seconds(n: int) -> float:
        script = grow(n)
        began = time.perf_counter()
        parse_script(script)
        return time.perf_counter() - began

    short = min(seconds(200 + i) for i in range(3))
    assert min(seconds(2000 + i) for i in range(3)) < 40 * short + 0.05
