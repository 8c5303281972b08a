"""Reference data: what is accepted, and what is said about what is not."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.lib.configuration import SEED_COLUMNS, check_configuration, check_severities
from orchestration.lib.errors import BadInput
from orchestration.lib.settings import PROJECT_ROOT, Settings

DEFAULT_SEEDS = PROJECT_ROOT / "seeds"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings on a copy of the default reference data."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    for path in DEFAULT_SEEDS.glob("*.csv"):
        shutil.copy(path, seeds / path.name)
    return Settings(seed_root=seeds, state_root=tmp_path / "state")


def edit(settings: Settings, file: str, old: str, new: str) -> None:
    path = settings.seed_root / f"{file}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def append(settings: Settings, file: str, *lines: str) -> int:
    """Add lines to a seed; returns the line number of the last one."""
    path = settings.seed_root / f"{file}.csv"
    text = path.read_text(encoding="utf-8") + "".join(line + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return text.count("\n")


def fault(settings: Settings, **kwargs: object) -> str:
    with pytest.raises(BadInput) as caught:
        check_configuration(settings, **kwargs)
    return caught.value.message


@pytest.mark.parametrize("folder", [DEFAULT_SEEDS, DEFAULT_SEEDS / "servicenow"])
def test_the_shipped_reference_data_is_accepted(folder: Path):
    assert check_configuration(Settings(seed_root=folder)) == []


@pytest.mark.parametrize("file", sorted(SEED_COLUMNS))
def test_a_missing_file_is_named_once(settings: Settings, file: str):
    (settings.seed_root / f"{file}.csv").unlink()
    message = fault(settings)
    assert message == f"seeds/{file}.csv: the file is missing; put it there, a header alone may do"


def test_a_renamed_column_is_named_with_the_likely_new_name(settings: Settings):
    edit(settings, "scorecard_metrics", "minimum_sample", "min_sample")
    message = fault(settings)
    assert "seeds/scorecard_metrics.csv line 1: column minimum_sample is missing" in message
    assert "'min_sample'" in message


def test_an_unused_column_is_a_warning(settings: Settings):
    edit(settings, "agent_state_map", "is_handling\n", "is_handling,colour\n")
    path = settings.seed_root / "agent_state_map.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, *(row + ",red" for row in rows)]) + "\n", encoding="utf-8")
    warnings = check_configuration(settings)
    assert warnings == ["seeds/agent_state_map.csv line 1: column 'colour' is not used"]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "scorecard_metrics",
            "qa_score,quality,0.20",
            "qa_score,quality,0.25",
            "line 14: the weights of version '1' sum to 1.05; make them sum to 1",
        ),
        ("scorecard_metrics", "csat,", "calls_made,", "line 8: metric 'calls_made' is not known"),
        (
            "scorecard_metrics",
            "csat,",
            "contacts_handled,",
            "line 8: metric 'contacts_handled' measures activity (volume or hours), not outcome",
        ),
        (
            "scorecard_metrics",
            "fcr_rate,",
            "fcr_rat,",
            "line 9: metric 'fcr_rat' is not known; did",
        ),
        ("scorecard_metrics", "quality_lead", "", "line 2: owner is empty; fill it in"),
        (
            "scorecard_metrics",
            "Find solutions that do not last and correct them at the source.",
            "",
            "line 11: decision is empty",
        ),
        ("scorecard_metrics", "85,60", "85,85", "line 2: target equals floor (85)"),
        ("scorecard_metrics", "85,60", "60,85", "line 2: direction higher wants a target above"),
        ("scorecard_metrics", "8,20,lower", "20,8,lower", "line 3: direction lower wants a target"),
        ("scorecard_metrics", "85,60,higher", "60,85,band", "line 2: direction band is for aht"),
        ("scorecard_metrics", "5,true,,", "5,true,0.1,", "line 2: gate_threshold is for critical"),
        ("scorecard_metrics", "false,0.05", "false,5", "line 4: gate_threshold 5 is not between"),
        ("scorecard_metrics", "0.20,85", "20%,85", "line 2: weight '20%' is not a number"),
        ("scorecard_metrics", "0.20,85", "NaN,85", "line 2: weight 'NaN' is not a number"),
        ("scorecard_metrics", "higher,5,", "higher,4.5,", "line 2: minimum_sample '4.5' is not a"),
        ("scorecard_metrics", "5,true", "5,yes", "line 2: is_key 'yes' is neither true nor false"),
        ("scorecard_metrics", "quality,0.20", "qualty,0.20", "line 2: dimension 'qualty'"),
        ("scorecard_metrics", "1,qa_score", "9,qa_score", "line 2: version '9' is not in"),
        ("scorecard_metrics", "1,qa_score", "1, qa_score", "line 2: metric has blanks around it"),
        ("scorecard_metrics", "1,qa_consistency", "1,qa_score", "line 3: the same version, metric"),
        ("scorecard_metrics", "1,csat,", "1,csat,,", "line 8: 13 cells for 12 columns"),
        ("scorecard_versions", "2025-10-01", "2025-10-02", "line 2: effective_from 2025-10-02 is"),
        ("scorecard_versions", "2025-10-01", "01/10/2025", "line 2: effective_from '01/10/2025'"),
        ("scorecard_versions", "2025-09-15", "", "line 2: reviewed_on is empty"),
        (
            "band_rules",
            "1,min_coverage,0.7\n",
            "",
            "band_rules.csv: version '1' lacks min_coverage; add a row for each",
        ),
        ("band_rules", "min_coverage", "min_cover", "line 2: parameter 'min_cover' is not known"),
        ("band_rules", "min_coverage,0.7", "min_coverage,70", "line 2: min_coverage 70 is not"),
        ("band_rules", "min_tenure_days,30", "min_tenure_days,", "line 3: value is empty"),
        ("sla_targets", "480,", ",", "line 2: first_reply_minutes is empty"),
        ("sla_targets", "480,", "0,", "line 2: first_reply_minutes '0' is not a whole number"),
        (
            "sla_targets",
            "business",
            "busines",
            "line 2: calendar 'busines' is not in business_hours",
        ),
        ("holidays", "business", "busy", "line 2: calendar 'busy' is not in business_hours.csv"),
        ("holidays", "2025-01-01", "2025-02-30", "line 2: holiday_on '2025-02-30' is not a date"),
        (
            "business_hours",
            "Europe/London",
            "Europe/Londn",
            "line 2: timezone 'Europe/Londn' is no",
        ),
        ("business_hours", "Europe/London", "Europe/Paris", "another timezone than line 2"),
        ("business_hours", "08:00,18:00", "18:00,08:00", "line 2: closes_at is not after opens_at"),
        ("business_hours", "08:00,18:00", "8:00,18:00", "line 2: opens_at '8:00' is not a time"),
        ("business_hours", "24:00", "24:01", "closes_at '24:01' is not a time of day"),
        ("business_hours", "5,13:00", "5,11:00", "line 7: the hours overlap those of line 6"),
        ("business_hours", "business,1", "business,8", "line 2: weekday '8' is not known"),
        ("contact_types", "invoice_copy", "billing_question", "line 4: the same contact_type as"),
        ("agent_state_map", "true,false", "true,", "line 2: is_handling is empty"),
    ],
)
def test_a_fault_is_told_with_file_line_and_reason(
    settings: Settings, file: str, old: str, new: str, expected: str
):
    edit(settings, file, old, new)
    message = fault(settings)
    assert f"seeds/{file}.csv" in message
    assert expected in message


def test_all_faults_are_told_at_once(settings: Settings):
    edit(settings, "scorecard_metrics", "85,60", "85,85")
    edit(settings, "holidays", "2025-01-01", "soon")
    assert len(fault(settings).splitlines()) == 2


def test_two_versions_cannot_start_in_one_month(settings: Settings):
    append(settings, "scorecard_versions", "9,2025-10-01,2025-09-20,head_of_customer_service")
    message = fault(settings)
    assert "scorecard_versions.csv line 4: effective_from 2025-10-01 is also that of" in message
    assert "version '9' has no metrics" in message
    assert "version '9' lacks min_coverage" in message


def test_more_than_thirteen_scored_metrics_are_refused(settings: Settings):
    line = append(settings, "scorecard_metrics", "1,csat,quality,0,1,0,higher,1,false,,lead,Look.")
    assert f"line {line}: version '1' scores more than 13 metrics" in fault(settings)


def test_an_override_that_ends_before_it_begins_is_refused(settings: Settings):
    append(settings, "gate_overrides", "volume,2026-02-02,2026-02-01,Outage.,head_of_operations")
    assert "gate_overrides.csv line 2: to is before from" in fault(settings)


def test_a_byte_order_mark_is_accepted_and_another_encoding_refused(settings: Settings):
    path = settings.seed_root / "contact_types.csv"
    content = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + content)
    assert check_configuration(settings) == []
    path.write_bytes(content + b"caf\xe9,caf\xe9,false\n")
    assert "contact_types.csv: not UTF-8" in fault(settings)


def test_a_missing_quotation_mark_is_told_with_its_line(settings: Settings):
    append(settings, "gate_overrides", 'volume,2026-02-01,2026-02-02,"Outage.,head')
    assert "gate_overrides.csv line 2: a quotation mark is missing" in fault(settings)


def test_a_version_may_not_start_inside_a_closed_month(settings: Settings):
    closed = {date(2025, 10, 1): "0"}
    message = fault(settings, closed_months=closed)
    assert "scorecard_versions.csv line 2: version '1' would be in force in the closed" in message
    assert "2025-10" in message
    assert check_configuration(settings, closed_months={date(2025, 10, 1): "1"}) == []


def test_a_closed_month_may_not_lose_its_version(settings: Settings):
    assert "no version would be in force" in fault(settings, closed_months={date(2025, 9, 1): "1"})


@pytest.mark.parametrize(
    ("as_of", "is_overdue"), [(datetime(2027, 3, 31, tzinfo=UTC), False),
                              (datetime(2027, 4, 1, tzinfo=UTC), True)],
)  # fmt: skip
def test_a_version_reviewed_over_twelve_months_before_the_period_is_a_warning(
    settings: Settings, as_of: datetime, is_overdue: bool
):
    warnings = check_configuration(settings, as_of)
    assert [("line 3: version '2' was last reviewed on 2026-03-16" in w) for w in warnings] == (
        [True] if is_overdue else []
    )


def test_a_severity_of_tickets_without_target_is_refused_by_name(settings: Settings):
    check_severities(settings.seed_root, {"low", "urgent"})
    with pytest.raises(BadInput, match=r"seeds/sla_targets.csv: severity 'blocker'"):
        check_severities(settings.seed_root, {"low", "blocker"})
