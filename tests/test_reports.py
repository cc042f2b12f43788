"""Test reports: each runner's own form, counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mityflow_stations._reports import ReportError, Tally, count_printed, count_tests, remove_reports

_TRX = """<?xml version="1.0" encoding="utf-8"?>
<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
  <UnitTestResult testName="A.One" outcome="Passed"/>
  <UnitTestResult testName="A.Two" outcome="Failed"><Output><StdErr>x</StdErr></Output></UnitTestResult>
  <UnitTestResult testName="A.Three" outcome="NotExecuted"/>
  <UnitTestResult testName="A.Rows" outcome="Failed"><InnerResults>
    <UnitTestResult testName="A.Rows(1)" outcome="Passed"/>
    <UnitTestResult testName="A.Rows(2)" outcome="Timeout"/>
  </InnerResults></UnitTestResult>
</Results></TestRun>
"""
_TAP = r"""TAP version 13
1..6
ok 1 - plain
not ok 2 - broken
  ---
  message: no
  ...
ok 3 - later # SKIP not here
not ok 4 - some day # TODO
ok 5 with a \# skip in its name
    ok 1 - nested is not counted
ok 6
okay is no test
"""
_JEST = {
    "testResults": [
        {
            "name": "a.test.ts",
            "status": "failed",
            "assertionResults": [
                {"fullName": "a adds", "title": "adds", "status": "passed"},
                {"fullName": "a fails", "title": "fails", "status": "failed"},
                {"fullName": "", "title": "waits", "status": "pending"},
                {"title": "to do", "status": "todo"},
            ],
        },
        {"name": "broken.test.ts", "status": "failed", "assertionResults": []},
    ]
}
_LIBTEST = """
running 3 tests
test items::adds ... \x1b[32mok\x1b[m
test items::fails ... \x1b[31mFAILED\x1b[m
test slow ... ignored

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests app

running 1 test
test src/lib.rs - add (line 3) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.20s
"""


def _count(folder: Path, form: str, text: str) -> Tally:
    (folder / "report").write_text(text, encoding="utf-8")
    return count_tests(folder, "report", form)


def test_junit(tmp_path: Path) -> None:
    text = (
        "<testsuites><testsuite><testcase classname='c' name='a'/><testcase name='b'><failure/><skipped/></testcase>"
        "<testcase name='c'><error/></testcase><testcase name='d'><skipped/></testcase></testsuite></testsuites>"
    )

    assert _count(tmp_path, "junit", text)[:4] == (4, 2, 1, ["b", "c"])


def test_trx_counts_rows_of_data_and_not_what_holds_them(tmp_path: Path) -> None:
    assert _count(tmp_path, "trx", _TRX)[:4] == (5, 2, 1, ["A.Two", "A.Rows(2)"])


def test_tap_counts_the_outermost_tests(tmp_path: Path) -> None:
    assert _count(tmp_path, "tap", _TAP)[:4] == (6, 1, 2, ["broken"])


def test_tap_that_was_bailed_out_of_has_failed(tmp_path: Path) -> None:
    assert _count(tmp_path, "tap", "ok 1\nBail out! no database\n").failed == 1


def test_jest_counts_a_file_that_cannot_be_loaded_as_failed(tmp_path: Path) -> None:
    assert _count(tmp_path, "jest", json.dumps(_JEST))[:4] == (5, 2, 2, ["a fails", "broken.test.ts"])


def test_tests_that_passed_are_named(tmp_path: Path) -> None:
    assert count_printed(_LIBTEST).passing == ["items::adds", "src/lib.rs - add (line 3)"]
    assert _count(tmp_path, "trx", _TRX).passing == ["A.One", "A.Rows(1)"]
    assert _count(tmp_path, "jest", json.dumps(_JEST)).passing == ["a adds"]


def test_what_cargo_prints_is_summed_over_its_programs() -> None:
    assert count_printed(_LIBTEST)[:4] == (4, 1, 1, ["items::fails"])


def test_what_prints_no_result_has_none() -> None:
    with pytest.raises(ReportError, match="printed no 'test result:'"):
        count_printed("5 tests passed")


@pytest.mark.parametrize("form", ["junit", "trx", "jest"])
@pytest.mark.parametrize("text", ["", "<", "[]", "{}", '{"testResults": [{"name": 1}]}', '{"testResults": {"a": 1}}'])
def test_a_damaged_report_is_an_error_that_names_it(tmp_path: Path, form: str, text: str) -> None:
    with pytest.raises(ReportError, match="the test report report cannot be read"):
        _count(tmp_path, form, text)


def test_an_empty_tap_report_has_no_test(tmp_path: Path) -> None:
    assert _count(tmp_path, "tap", "").total == 0


def test_reports_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_text("<a/>")
    (tmp_path / "c.xml").mkdir()

    remove_reports(tmp_path, "*.xml")

    assert [path.name for path in tmp_path.iterdir()] == ["c.xml"]
