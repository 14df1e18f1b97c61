"""The same commands on a pipeline's log: what its workers told, and what sales answered."""

import pytest

from tests.cli.conftest import Cli, cli, environment  # noqa: F401
from tests.cli.test_reading import Lived, lived  # noqa: F401

pytestmark = pytest.mark.embedded


def test_the_report_and_the_backtest_of_a_log_agree_with_what_was_handed_over(
    cli: Cli,  # noqa: F811
    lived: Lived,  # noqa: F811
) -> None:
    replayed = cli("replay", "--json", **lived.environment).json()
    called = cli("report", "--json", **lived.environment)
    assert called.code == 0, called.err
    report = called.json()
    assert report["handoffs"] == len(replayed["handoffs"]) > 0
    assert report["leaks"]["undelivered"] == 0
    assert report["persons"] > 0
    assert [change["name"] for change in report["changes"]] == ["published"]
    called = cli("backtest", "published", "published", "--json", **lived.environment)
    assert called.code == 0, called.err
    backtest = called.json()
    assert backtest["counts"]["gained"] == backtest["counts"]["lost"] == backtest["counts"]["moved"] == 0
    assert backtest["counts"]["same"] + backtest["repeats"]["a"] == report["handoffs"]
