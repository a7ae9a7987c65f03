"""Reports appear whole or not at all."""

from __future__ import annotations

import json

import pytest

from kinema.core.checks import InputError
from kinema.core.json_report import check_report, write_report


def test_a_report_replaces_an_older_one(tmp_path):
    path = tmp_path / "report.json"
    for values in ({"metrics": {"l1": {"mean": 0.5}}}, {"metrics": {}}):
        check_report(path)
        write_report(path, values)
        assert json.loads(path.read_text()) == values
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_what_is_no_json_leaves_the_old_report(tmp_path):
    path = tmp_path / "report.json"
    write_report(path, {"l1": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_report(path, {"l1": float("nan")})
    assert json.loads(path.read_text()) == {"l1": 1}


@pytest.mark.parametrize("check", [check_report, lambda path: write_report(path, {})])
def test_a_place_that_is_none_is_refused(tmp_path, check):
    with pytest.raises(InputError, match="folder"):
        check(tmp_path / "no" / "report.json")
    with pytest.raises(InputError, match="folder"):
        check(tmp_path)
