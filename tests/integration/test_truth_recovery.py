"""The marts find the people the sample generator made: scored levels rank agents as the truth does.

Belongs here: rank correlations of published values with the hidden truth, and that the truth cannot
have come from the marts. Does not belong here: exact values, which change with the sample.
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
    # About 60 evaluations each that scatter by 8 points; the agents differ by 7.
    ("qa_score", "true_quality", 0.8),
    # Over a thousand contacts each, peers compared with peers.
    ("aht_index", "true_speed", 0.8),
    # Hundreds of scheduled hours each, drawn close to the true level.
    ("schedule_adherence", "true_adherence", 0.8),
    # About 120 answers each, most agents between 0.80 and 0.93, and contact types that differ.
    ("csat", "true_satisfaction", 0.6),
    # About a thousand tickets each; the contact types an agent gets move the rate a little.
    ("fcr_rate", "true_first_contact", 0.8),
    ("repeat_contact_rate", "true_repeat_rate", 0.7),
    # First tier only, hence fewer agents.
    ("escalation_rate", "true_escalation_rate", 0.7),
    # Twenty articles each, a count with the noise of a count.
    ("kb_contributions", "true_articles", 0.6),
    # One to three errors among 60 evaluations: little more than the right direction can be asked.
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
    assert agents >= 0.9 * len(truth), f"only {agents} agents of {len(truth)} have an overall score"
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
