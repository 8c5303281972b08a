"""The marts find the people the sample generator made: what was planted is what they show.

Belongs here: rank correlations of published values with the hidden truth, what is said of the
planted groups (decliners, case-mix traps, small samples, rough evaluators, coaching, plans), and
that the truth cannot have come from the marts. Does not belong here: exact values, which change
with the sample.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from tests.conftest import PROJECT_ROOT

GENERATOR = PROJECT_ROOT / "orchestration" / "sample"
# The generator needs arrays, Arrow files and the standard library, and nothing of this project.
LIBRARIES = {"numpy", "pandas", "pyarrow"}
# Part of the standard library by which code could still reach a warehouse or its surroundings.
FORBIDDEN_MODULES = {"ctypes", "importlib", "os", "runpy", "sqlite3", "subprocess"}
FORBIDDEN_NAMES = {"__import__", "compile", "eval", "exec", "open"}
READERS = (
    "read",
    "open",
    "scan",
    "load",
    "fromfile",
    "memmap",
    "genfromtxt",
    "dataset",
    "ParquetF",
)

# What to find in which metric, and how strong it has to be. The facts were drawn from the true
# levels, so only chance and case mix stand in between. The bounds leave room for another seed; none
# is within reach of chance, which gives 0.2 for 120 agents.
RECOVERED = [
    # About 90 evaluations each that scatter by 8 points; the agents differ by 6.
    ("qa_score", "true_quality", 0.8),
    # Over a thousand contacts each, peers compared with peers.
    ("aht_index", "true_speed", 0.8),
    # Hundreds of scheduled hours each, drawn close to the true level.
    ("schedule_adherence", "true_adherence", 0.8),
    # About 250 answers each, most agents between 0.75 and 0.92, and contact types that differ.
    ("csat", "true_satisfaction", 0.6),
    # About a thousand tickets each; the contact types an agent gets move the rate a little.
    ("fcr_rate", "true_first_contact", 0.8),
    ("repeat_contact_rate", "true_repeat_rate", 0.7),
    # First tier only, hence fewer agents.
    ("escalation_rate", "true_escalation_rate", 0.7),
    # Fifteen articles each, a count with the noise of a count.
    ("kb_contributions", "true_articles", 0.6),
    # One or two errors among 90 evaluations: little more than the right direction can be asked.
    ("critical_error_rate", "true_critical_error_rate", 0.3),
]
SHUFFLES = 100


@pytest.fixture(scope="module")
def truth(sample_truth: Path) -> pd.DataFrame:
    """True levels, one row per agent_id: means over the agent's months."""
    return pd.read_parquet(sample_truth / "agents.parquet").set_index("agent_id")


@pytest.fixture(scope="module")
def monthly_metrics(sample_release: Path) -> pd.DataFrame:
    metrics = pd.read_parquet(sample_release / "agent_scorecard_metrics.parquet")
    return metrics[(metrics["window"] == "month") & metrics["value"].notna()]


def found_levels(monthly_metrics: pd.DataFrame, metric: str) -> pd.Series:
    """Mean of the monthly values by agent_id, weighted by sample size."""
    rows = monthly_metrics[monthly_metrics["metric"] == metric]
    # Counts of articles are their own sample; a month without any is a finding too.
    weight = rows["sample_size"] if metric != "kb_contributions" else rows["sample_size"] * 0 + 1
    total = (rows["value"] * weight).groupby(rows["agent_id"]).sum()
    return total / weight.groupby(rows["agent_id"]).sum()


def rank_correlation(found: pd.Series, true: pd.Series) -> tuple[float, int]:
    """Spearman's coefficient over agents who have both, and how many they are."""
    both = pd.concat([found.rename("found"), true.rename("true")], axis=1).dropna()
    return float(spearmanr(both["found"], both["true"]).statistic), len(both)


@pytest.mark.parametrize(("metric", "level", "bound"), RECOVERED)
def test_a_metric_ranks_agents_as_the_truth_does(
    monthly_metrics: pd.DataFrame, truth: pd.DataFrame, metric: str, level: str, bound: float
):
    found, agents = rank_correlation(found_levels(monthly_metrics, metric), truth[level])
    employed = truth["tier"].eq("T1").sum() if metric == "escalation_rate" else len(truth)
    assert agents >= 0.9 * employed, f"{metric}: only {agents} agents of {employed} have a value"
    assert found > bound, f"{metric} against {level}: {found:.3f} over {agents} agents"


def test_the_overall_score_ranks_agents_as_the_truth_does(
    sample_release: Path, truth: pd.DataFrame
):
    """Months of few evaluations scatter; over all months the order has to come out."""
    scores = pd.read_parquet(sample_release / "agent_scorecard.parquet")
    scores = scores[(scores["window"] == "month") & scores["overall_score"].notna()]
    found, agents = rank_correlation(
        scores.groupby("agent_id")["overall_score"].mean(), truth["true_overall"]
    )
    # Two evaluations a month are too few for a score.
    enough = (~truth["is_small_sample"]).sum()
    assert agents >= 0.9 * enough, f"only {agents} agents of {enough} have an overall score"
    assert found > 0.7, f"overall_score against true_overall: {found:.3f} over {agents} agents"


@pytest.mark.parametrize("metric", ["qa_score", "aht_index", "csat", "fcr_rate"])
def test_nothing_is_found_when_the_truth_is_shuffled(
    monthly_metrics: pd.DataFrame, truth: pd.DataFrame, metric: str
):
    """The test before would pass as well if ranks agreed for a reason of the method."""
    level = {name: column for name, column, _ in RECOVERED}[metric]
    found = found_levels(monthly_metrics, metric)
    random = np.random.default_rng(7)
    # One shuffle in forty passes 0.2 by chance; the size that is usual does not.
    sizes = [
        abs(rank_correlation(found, pd.Series(random.permutation(truth[level]), truth.index))[0])
        for _ in range(SHUFFLES)
    ]
    assert np.mean(sizes) < 0.2, f"{metric}: {np.mean(sizes):.3f} on average with shuffled truth"


def test_each_metric_finds_its_own_truth(monthly_metrics: pd.DataFrame, truth: pd.DataFrame):
    """Speed is drawn apart from quality, so the one must not be found in the other."""
    crossed, _ = rank_correlation(found_levels(monthly_metrics, "aht_index"), truth["true_quality"])
    own, _ = rank_correlation(found_levels(monthly_metrics, "aht_index"), truth["true_speed"])
    assert abs(crossed) < own - 0.4, f"speed against true quality: {crossed:.3f}, own: {own:.3f}"


# What is said of the groups the generator planted. Shares of decliners and coverage are demanded;
# the other bounds leave room for another seed.


@pytest.fixture(scope="module")
def bands(sample_release: Path) -> pd.DataFrame:
    return pd.read_parquet(sample_release / "performance_bands.parquet")


@pytest.fixture(scope="module")
def declines(sample_truth: Path) -> pd.DataFrame:
    """One row per planted decliner and month of the fall."""
    return pd.read_parquet(sample_truth / "declines.parquet")


def test_planted_decliners_are_declining_at_the_end_of_their_fall(
    bands: pd.DataFrame, declines: pd.DataFrame
):
    ends = declines.groupby("agent_id")["period_month"].agg(["min", "max", "size"])
    assert len(ends) >= 10
    found = bands.merge(ends, left_on=["agent_id", "period_month"], right_on=["agent_id", "max"])
    rated = bands.merge(declines, on=["agent_id", "period_month"])
    rated = rated[rated["band"] != "not_rated"].groupby("agent_id").size()
    assert (rated.reindex(ends.index) == 6).all(), "a decliner has a month that is not rated"
    share = (found["trajectory"] == "declining").sum() / len(ends)
    assert share >= 0.8, found[["agent_id", "trajectory", "slope", "mann_kendall_p"]].to_string()


def test_planted_decliners_fall_by_four_points_a_month(
    sample_release: Path, declines: pd.DataFrame
):
    """The truth of a fall is an expectation; the scores that came have to bear it out."""
    scores = pd.read_parquet(sample_release / "agent_scorecard.parquet")
    months = scores[scores["window"] == "month"].merge(declines, on=["agent_id", "period_month"])
    mean = months.groupby("step")["overall_score"].mean()
    slope = np.polyfit(mean.index, mean, 1)[0]
    # Ten agents whose months scatter by 3 to 4 points: the mean slope has a standard error of 0.3.
    assert -5 < slope < -3, f"{slope:.2f} points a month"


def test_agents_without_planted_change_are_hardly_ever_declining(
    bands: pd.DataFrame, declines: pd.DataFrame, truth: pd.DataFrame
):
    rated = bands[bands["agent_id"].map(truth["is_unchanged"]) & (bands["band"] != "not_rated")]
    last = rated[rated["period_month"] == declines["period_month"].max()]
    for rows, what in ((last, "agents in the last month"), (rated, "agent-months")):
        assert len(rows) >= 50
        share = (rows["trajectory"] == "declining").mean()
        assert share <= 0.05, f"{share:.3f} of {len(rows)} {what} without planted change"


def test_every_band_occurs_and_most_agents_are_in_the_middle(bands: pd.DataFrame):
    # Nobody can be below expectations by trajectory before five months have been rated.
    later = bands[bands["period_month"] >= sorted(bands["period_month"].unique())[5]]
    share = later["band"].value_counts(normalize=True)
    assert share["exceptional"] == pytest.approx(0.025, abs=0.02)
    assert share["strong"] == pytest.approx(0.3, abs=0.15)
    assert share["developing"] == pytest.approx(0.45, abs=0.15)
    assert share["below_expectations"] == pytest.approx(0.15, abs=0.1)
    assert share["not_rated"] == pytest.approx(0.06, abs=0.05)


def test_careless_agents_fail_the_critical_gate(bands: pd.DataFrame, truth: pd.DataFrame):
    careless = bands[bands["agent_id"].map(truth["is_careless"])]
    others = bands[~bands["agent_id"].map(truth["is_careless"])]
    assert (careless["deciding_rule"] == "critical_gate").mean() > 0.4
    assert (others["deciding_rule"] == "critical_gate").mean() < 0.1


@pytest.fixture(scope="module")
def first_tier_csat(sample_release: Path, truth: pd.DataFrame) -> pd.DataFrame:
    """Ended months of the agents who are in the first tier for good, both windows."""
    metrics = pd.read_parquet(sample_release / "agent_scorecard_metrics.parquet")
    rows = metrics[(metrics["metric"] == "csat") & metrics["value"].notna()]
    rows = rows[rows["agent_id"].map(truth["tier"]).eq("T1")]
    return rows[rows["period_month"] < metrics["period_month"].max()]


def place(levels: pd.Series, agents: pd.Index) -> pd.Series:
    """Where the agents stand among all, 0 the worst to 1 the best."""
    return levels.rank(pct=True).reindex(agents)


def places_by_csat(
    rows: pd.DataFrame, truth: pd.DataFrame, agents: pd.Index
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """True place of the agents, and how far off it the raw and the adjusted values put them."""
    rows = rows[rows["window"] == "month"]
    answers = rows["sample_size"].groupby(rows["agent_id"]).sum()

    def found(column: str) -> pd.Series:
        total = (rows[column] * rows["sample_size"]).groupby(rows["agent_id"]).sum()
        return place(total / answers, agents)

    true = place(truth["true_satisfaction"].reindex(answers.index), agents)
    return true, found("value") - true, found("adjusted_value") - true


def test_able_agents_with_hard_contacts_alone_are_ranked_right_by_adjusted_values(
    first_tier_csat: pd.DataFrame, truth: pd.DataFrame
):
    trapped = truth.index[truth["is_case_mix_trap"]]
    true, raw, adjusted = places_by_csat(first_tier_csat, truth, trapped)
    told = f"true {true.to_dict()}, raw {raw.to_dict()} off, adjusted {adjusted.to_dict()} off"
    assert len(true) >= 2
    assert (true > 2 / 3).all(), told
    assert (raw < -0.3).all(), told
    # Some hundred answers tell the place to about a tenth.
    assert (adjusted.abs() < 0.2).all(), told


def test_weak_agents_with_easy_contacts_alone_are_less_flattered_by_adjusted_values(
    first_tier_csat: pd.DataFrame, truth: pd.DataFrame
):
    """A ratio to what peers reach cannot tell all: where nearly all succeed, the weak lose less."""
    flattered = truth.index[truth["is_easy_mix"]]
    true, raw, adjusted = places_by_csat(first_tier_csat, truth, flattered)
    told = f"true {true.to_dict()}, raw {raw.to_dict()} off, adjusted {adjusted.to_dict()} off"
    assert len(true) >= 2
    assert (true < 1 / 3).all(), told
    assert (raw > 0.15).all(), told
    assert (adjusted.abs() < raw - 0.1).all(), told


@pytest.mark.parametrize("window", ["month", "quarter"])
def test_small_samples_fill_top_and_bottom_by_raw_values_alone(
    first_tier_csat: pd.DataFrame, truth: pd.DataFrame, window: str
):
    rows = first_tier_csat[first_tier_csat["window"] == window]
    rows = rows.assign(is_small=rows["agent_id"].map(truth["is_small_sample"]))

    def share_at_the_ends(column: str) -> float:
        ordered = rows.sort_values(["period_month", column, "agent_id"]).groupby("period_month")
        return float(pd.concat([ordered.head(5), ordered.tail(5)])["is_small"].mean())

    everywhere = rows["is_small"].mean()
    raw, stabilised = share_at_the_ends("value"), share_at_the_ends("stabilised_value")
    told = f"{everywhere:.2f} of all, {raw:.2f} of the ends raw, {stabilised:.2f} stabilised"
    assert raw > 2.5 * everywhere, told
    assert stabilised < everywhere, told


def test_rough_evaluators_stand_out(sample_release: Path, sample_truth: Path):
    alignment = pd.read_parquet(sample_release / "evaluator_alignment.parquet")
    true = pd.read_parquet(sample_truth / "evaluators.parquet").set_index("evaluator_id")
    known = alignment[alignment["evaluator_id"].isin(true.index) & (alignment["n"] >= 30)]
    rough = true.index[true["is_rough"]]
    for month, rows in known.groupby("period_month"):
        severity = rows.set_index("evaluator_id")["severity"]
        largest = severity.abs().nlargest(len(rough)).index
        assert set(largest) == set(rough), f"{month}: {severity.to_dict()}"
        assert (np.sign(severity[rough]) == np.sign(true.loc[rough, "severity"])).all()
    assert known["period_month"].nunique() >= 12


def test_intervals_of_coaching_effects_cover_the_planted_ones(
    sample_release: Path, sample_truth: Path
):
    effects = pd.read_parquet(sample_release / "coaching_effect.parquet")
    planted = pd.read_parquet(sample_truth / "coaching_effects.parquet")
    both = effects[effects["status"] == "assessed"].merge(planted, on="session_id")
    assert len(both) >= 200
    off = (both["net_effect"] - both["true_effect"]).abs()
    covered = off <= 1.96 * both["standard_error"]
    assert 0.85 <= covered.mean() <= 1, f"{covered.mean():.3f} of {len(both)} sessions"
    # Wide intervals cover anything; in units of its own error an effect has to be there on average.
    found = (both["net_effect"] / both["standard_error"]).groupby(both["true_effect"] > 0).mean()
    assert found[True] > found[False] + 0.4, found.to_dict()


def test_plans_come_out_as_planted(sample_release: Path, sample_truth: Path):
    outcomes = pd.read_parquet(sample_release / "improvement_plan_outcomes.parquet")
    plans = pd.read_parquet(sample_truth / "improvement_plans.parquet")
    both = outcomes.merge(plans, on="plan_id")
    assert len(both) == len(plans)
    running = both["intended_outcome"] == "running"
    assert (both["is_running"] == running).all()
    ended = both[~running]
    told = ended[["plan_id", "intended_outcome", "evidence_outcome"]].to_string()
    assert set(ended["evidence_outcome"]) == set(ended["intended_outcome"]), told
    # Targets lie two standard errors from the true level: one in twenty is missed by chance.
    assert (ended["evidence_outcome"] == ended["intended_outcome"]).mean() >= 0.8, told
    assert (both["overdue_check_ins"] > 0).any()


def imported(tree: ast.AST) -> set[str]:
    """Full names of the modules a module imports, relative ones with their dots."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def faults(path: Path) -> list[str]:
    """What the module could read by: imports of more than it needs, calls that read or execute."""
    tree = ast.parse(path.read_text("utf-8"))
    lines = []
    for name in sorted(imported(tree)):
        top = name.split(".")[0]
        own = name == "orchestration.sample" or name.startswith("orchestration.sample.")
        standard = top in sys.stdlib_module_names and top not in FORBIDDEN_MODULES
        if not (own or standard or top in LIBRARIES):
            lines.append(f"{path.name} imports {name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            lines.append(f"{path.name}:{node.lineno} uses {node.id}")
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr.startswith(READERS):
            lines.append(f"{path.name}:{node.lineno} calls .{called.attr}")
        if isinstance(node, ast.ImportFrom):
            lines += [
                f"{path.name}:{node.lineno} takes {alias.name}"
                for alias in node.names
                if alias.name.startswith(READERS) and (node.module or "").split(".")[0] in LIBRARIES
            ]
    return lines


def test_the_generator_reads_nothing():
    """The truth is worth nothing if it was made from what the warehouse says."""
    modules = sorted(GENERATOR.rglob("*.py"))
    assert modules
    lines = [line for path in modules for line in faults(path)]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize(
    "source",
    [
        "import duckdb",
        "from dbt.cli.main import dbtRunner",
        "from orchestration.lib import releases",
        "import importlib",
        "import pandas as pd\npd.read_parquet('agent_scorecard.parquet')",
        "from pathlib import Path\nPath('data/state/releases').read_bytes()",
        "import pyarrow.parquet as pq\npq.ParquetFile('agent_scorecard.parquet')",
        "from pandas import read_parquet",
        "open('agent_scorecard.csv')",
    ],
)
def test_reading_would_be_noticed(tmp_path: Path, source: str):
    module = tmp_path / "reader.py"
    module.write_text(source, encoding="utf-8")
    assert faults(module)


def test_the_generator_loads_no_warehouse():
    """Neither does anything its packages import on the way."""
    script = "import sys, orchestration.sample; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"duckdb", "dbt", "dagster", "great_expectations"}
    assert "orchestration.lib" not in done.stdout.split()
