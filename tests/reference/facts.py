"""One fact per thing that counts in a metric, credited to an agent, team, tier and month.

Belongs here: what counts, to whom and when, for each of the 13 metrics. Does not belong here: sums
and formulas over facts (scorecard.py).

A fact is a dict: metric, agent_id, team_id, tier, month, and the amounts it adds: numerator,
denominator, sample, and `offered` (aht_index only: contacts that could have had an expected handle
time). Facts of a metric with case mix also have contact_type and contact_family, and `expected`,
the peer rate of the like (None where peers are too few). qa_consistency has no facts of its own,
it is computed from those of qa_score.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.reference.peers import peer_means, round6
from tests.reference.people import (
    ONE_DAY,
    Assignment,
    People,
    first_instant,
    home_assignment,
    month_of,
    next_month,
)
from tests.reference.tickets import Tickets, can_be_a_contact, is_in_scope

Row = dict[str, Any]
Fact = dict[str, Any]

HANDLE_CAP_SECONDS = 14_400
LONGEST_PLAUSIBLE_SECONDS = 24 * 3600
CLOSE_AFTER_DAYS = 8


def seconds(length: timedelta) -> Fraction:
    return Fraction(length // timedelta(microseconds=1), 10**6)


def clamp(number: Fraction) -> Fraction:
    return min(max(number, Fraction(0)), Fraction(1))


def fact(
    metric: str,
    assignment: Assignment,
    month: date,
    numerator: Fraction | int,
    denominator: Fraction | int,
    sample: int = 1,
    offered: int = 0,
    **case: str,
) -> Fact:
    """A fact; `case` holds the columns that its peers' facts are found by, if it has any."""
    return {
        "metric": metric,
        "agent_id": assignment.agent_id,
        "team_id": assignment.team_id,
        "tier": assignment.tier,
        "month": month,
        "numerator": numerator,
        "denominator": denominator,
        "sample": sample,
        "offered": offered,
        **case,
    }


def local_month(assignment: Assignment, instant: datetime) -> date:
    return month_of(instant.astimezone(assignment.zone).date())


# Quality


def evaluation_facts(people: People, evaluations: list[Row], scores: list[Row]) -> Iterator[Fact]:
    """qa_score and critical_error_rate, by the reviewee and the month of the reviewed work."""
    criteria: dict[str, list[Row]] = defaultdict(list)
    for score in scores:
        criteria[score["evaluation_id"]].append(score)
    for evaluation in evaluations:
        of_form = criteria[evaluation["evaluation_id"]]
        applicable = [criterion for criterion in of_form if criterion["is_applicable"]]
        assignment = people.at(evaluation["agent_id"], evaluation["interaction_at"])
        is_scored = (
            evaluation["status"] in ("final", "disputed")
            and not evaluation["is_calibration"]
            and evaluation["evaluator_id"] != evaluation["agent_id"]
            and applicable
        )
        if not is_scored or assignment is None:
            continue
        month = local_month(assignment, evaluation["interaction_at"])
        earned = sum(row["weight"] * row["score"] / row["max_score"] for row in applicable)
        score = round6(100 * earned / sum(row["weight"] for row in applicable))
        yield fact("qa_score", assignment, month, score, 1)
        is_critical = any(row["is_critical_error"] for row in of_form)
        yield fact("critical_error_rate", assignment, month, int(is_critical), 1)


# Contacts


def handled_contacts(people: People, tickets: Tickets, interactions: list[Row]) -> list[Row]:
    """Contacts handled: one per agent, ticket and local month, as its first interaction was.

    `handle_seconds` is None where no interaction of the contact has a plausible duration.
    """
    spells: dict[tuple[str, str, date], list[tuple[Row, Assignment]]] = defaultdict(list)
    for row in interactions:
        assignment = people.at(row["agent_id"], row["started_at"])
        if assignment and can_be_a_contact(tickets.by_id[row["ticket_id"]]):
            month = local_month(assignment, row["started_at"])
            spells[row["agent_id"], row["ticket_id"], month].append((row, assignment))
    contacts = []
    for (agent_id, ticket_id, month), rows in spells.items():
        first, assignment = min(
            rows, key=lambda pair: (pair[0]["started_at"], pair[0]["interaction_id"])
        )
        durations = [handle_seconds(row) for row, _ in rows if is_plausible(row)]
        contacts.append(
            {
                "agent_id": agent_id,
                "ticket_id": ticket_id,
                "month": month,
                "assignment": assignment,
                "team_id": assignment.team_id,
                "tier": assignment.tier,
                "contact_type": tickets.contact_type(ticket_id, first["started_at"]),
                "channel": first["channel"],
                "handle_seconds": min(sum(durations), HANDLE_CAP_SECONDS) if durations else None,
            }
        )
    return contacts


def handle_seconds(interaction: Row) -> int:
    return interaction["talk_seconds"] + interaction["hold_seconds"] + interaction["wrap_seconds"]


def is_plausible(interaction: Row) -> bool:
    return (
        0 < handle_seconds(interaction) <= LONGEST_PLAUSIBLE_SECONDS
        and interaction["started_at"] <= interaction["ended_at"]
    )


# The levels of peers of a contact, nearest first: what peers have in common with it.
HANDLE_LEVELS: tuple[tuple[str, ...], ...] = (
    ("team_id", "contact_type", "channel", "tier"),
    ("contact_type", "channel", "tier"),
    ("contact_type", "tier"),
    ("tier",),
    ("contact_type",),
    (),
)


def aht_facts(contacts: list[Row]) -> Iterator[Fact]:
    """aht_index: handle seconds over what peers took for the like, the agent's own left out."""
    timed = [contact for contact in contacts if contact["handle_seconds"] is not None]
    means = peer_means(timed, HANDLE_LEVELS, lambda contact: contact["handle_seconds"])
    for contact, expected in zip(timed, means, strict=True):
        assignment, month = contact["assignment"], contact["month"]
        if expected is None:
            yield fact("aht_index", assignment, month, 0, 0, sample=0, offered=1)
        else:
            actual = contact["handle_seconds"]
            yield fact("aht_index", assignment, month, actual, expected, offered=1)


def contacts_per_hour_facts(
    people: People, contacts: list[Row], states: list[Row]
) -> Iterator[Fact]:
    """contacts_per_productive_hour: contacts, and hours of the (productive) states."""
    for contact in contacts:
        yield fact("contacts_per_productive_hour", contact["assignment"], contact["month"], 1, 0)
    time: dict[tuple[Assignment, date], timedelta] = defaultdict(timedelta)
    for state in states:
        for piece in people.pieces(state["agent_id"], state["starts_at"], state["ends_at"]):
            time[piece.assignment, month_of(piece.day)] += piece.end - piece.start
    for (assignment, month), length in time.items():
        hours = seconds(length) / 3600
        yield fact("contacts_per_productive_hour", assignment, month, 0, hours, sample=0)


def escalation_facts(people: People, tickets: Tickets, contacts: list[Row]) -> Iterator[Fact]:
    """escalation_rate: contacts handled in T1, and those of them the agent handed off."""
    handed_off = set()
    for ticket_id, events in tickets.events.items():
        for event in events:
            if event["event_type"] == "escalated" and event["from_value"] == "T1":
                assignment = people.at(event["agent_id"], event["occurred_at"])
                if assignment:
                    month = local_month(assignment, event["occurred_at"])
                    handed_off.add((event["agent_id"], ticket_id, month))
    for contact in contacts:
        if contact["tier"] == "T1" and contact["contact_type"] not in tickets.by_design:
            key = (contact["agent_id"], contact["ticket_id"], contact["month"])
            yield fact(
                "escalation_rate",
                contact["assignment"],
                contact["month"],
                int(key in handed_off),
                1,
                contact_type=contact["contact_type"],
                contact_family=tickets.family_of(contact["contact_type"]),
            )


# Time


def scheduled_pieces(people: People, segments: list[Row]) -> list[Row]:
    """Scheduled contact handling by local day: assignment, day, start, end."""
    return [
        {**piece._asdict(), "agent_id": segment["agent_id"]}
        for segment in segments
        if segment["activity"] == "contact_handling"
        for piece in people.pieces(segment["agent_id"], segment["starts_at"], segment["ends_at"])
    ]


def adherence_facts(scheduled: list[Row], states: list[Row], absences: list[Row]) -> Iterator[Fact]:
    """schedule_adherence: scheduled contact handling, and how much of it was productive.

    `states` are productive and do not overlap. Days with an absence are left out.
    """
    productive: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for state in sorted(states, key=lambda row: row["starts_at"]):
        productive[state["agent_id"]].append((state["starts_at"], state["ends_at"]))
    absent = {(absence["agent_id"], absence["absent_on"]) for absence in absences}
    adherent: dict[tuple[Assignment, date], timedelta] = defaultdict(timedelta)
    planned: dict[tuple[Assignment, date], timedelta] = defaultdict(timedelta)
    for piece in scheduled:
        if (piece["agent_id"], piece["day"]) not in absent:
            key = (piece["assignment"], month_of(piece["day"]))
            start, end = piece["start"], piece["end"]
            adherent[key] += overlap(productive[piece["agent_id"]], start, end)
            planned[key] += end - start
    for (assignment, month), length in planned.items():
        kept = adherent[assignment, month]
        # The sample is whole hours of the sum, so a fact adds none of its own.
        yield fact(
            "schedule_adherence", assignment, month, seconds(kept), seconds(length), sample=0
        )


def overlap(spells: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> timedelta:
    """Time from start to end that lies in the spells, which are in order and do not overlap."""
    total = timedelta(0)
    for begun, ended in spells[max(bisect_left(spells, (start,)) - 1, 0) :]:
        if begun >= end:
            break
        total += max(min(ended, end) - max(begun, start), timedelta(0))
    return total


# Customers


def csat_facts(people: People, tickets: Tickets, surveys: list[Row]) -> Iterator[Fact]:
    """csat: the answered surveys of tickets in scope, by whom they were asked about."""
    for survey in surveys:
        if survey["responded_at"] is None or survey["score"] is None:
            continue
        if not is_in_scope(tickets.by_id[survey["ticket_id"]]):
            continue
        agent_id = survey["agent_id"]
        if agent_id is None:
            agent_id = tickets.assignee(survey["ticket_id"], survey["sent_at"])
        assignment = people.at(agent_id, survey["responded_at"])
        if assignment:
            is_positive = survey["score"] >= Fraction(8, 10) * survey["scale_max"]
            month = local_month(assignment, survey["responded_at"])
            case = tickets.case(survey["ticket_id"], survey["responded_at"])
            yield fact("csat", assignment, month, int(is_positive), 1, **case)


def first_contact_facts(people: People, tickets: Tickets) -> Iterator[Fact]:
    """fcr_rate: mature first solves, and those that needed nothing more."""
    solves = tickets.first_solves(people)
    repeated = tickets.repeated(solves)
    for solve in solves:
        assignment = people.at(solve.solver, solve.at)
        if assignment is None or not solve.is_mature:
            continue
        ticket_id = solve.ticket["ticket_id"]
        is_resolved = not (
            ticket_id in repeated or tickets.is_reopened_in_window(ticket_id, solve.at)
        )
        month = local_month(assignment, solve.at)
        case = tickets.case(ticket_id, solve.at)
        yield fact("fcr_rate", assignment, month, int(is_resolved), 1, **case)


def repeat_facts(people: People, tickets: Tickets) -> Iterator[Fact]:
    """repeat_contact_rate: mature final solves with a customer, and those followed by a repeat."""
    solves = tickets.final_solves(people)
    repeated = tickets.repeated(solves)
    for solve in solves:
        assignment = people.at(solve.solver, solve.at)
        if assignment is None or not solve.is_mature or solve.ticket["customer_id"] is None:
            continue
        is_repeated = solve.ticket["ticket_id"] in repeated
        month = local_month(assignment, solve.at)
        case = tickets.case(solve.ticket["ticket_id"], solve.at)
        yield fact("repeat_contact_rate", assignment, month, int(is_repeated), 1, **case)


# Development


def training_facts(people: People, assignments: list[Row]) -> Iterator[Fact]:
    """training_completion_rate: modules whose due day is over, by local dates."""
    for row in assignments:
        assignment = people.on(row["agent_id"], row["due_on"])
        if assignment is None or row["is_waived"]:
            continue
        if first_instant(row["due_on"] + ONE_DAY, assignment.zone) > people.as_of:
            continue
        completed_at = row["completed_at"]
        in_time = (
            completed_at is not None
            and completed_at.astimezone(assignment.zone).date() <= row["due_on"]
        )
        month = month_of(row["due_on"])
        yield fact("training_completion_rate", assignment, month, int(in_time), 1)


def knowledge_facts(people: People, contributions: list[Row]) -> Iterator[Fact]:
    """kb_contributions: accepted ones. The denominators are people, and no facts."""
    for row in contributions:
        assignment = people.at(row["agent_id"], row["occurred_at"])
        if assignment and row["is_accepted"]:
            month = local_month(assignment, row["occurred_at"])
            yield fact("kb_contributions", assignment, month, 1, 0)


def goal_facts(
    people: People, homes: dict[tuple[str, date], Assignment], versions: list[Row]
) -> Iterator[Fact]:
    """goal_progress: each goal once a month it meets, as it stood when the month closed."""
    goals: dict[str, list[Row]] = defaultdict(list)
    for version in sorted(versions, key=lambda row: (row["_loaded_at"], row["_sequence"])):
        goals[version["goal_id"]].append(version)
    for (_, month), home in homes.items():
        after = next_month(month)
        close = first_instant(after + CLOSE_AFTER_DAYS * ONE_DAY, home.zone)
        for goal in goals.values():
            known = [version for version in goal if version["_loaded_at"] < close]
            if not known or known[-1]["_deleted"] or known[-1]["status"] == "cancelled":
                continue
            last = known[-1]
            meets = last["agreed_on"] < after and last["due_on"] >= month
            if last["agent_id"] == home.agent_id and meets:
                way = last["target"] - last["baseline"]
                progress = clamp((last["current_value"] - last["baseline"]) / way)
                weight = last["weight"]
                yield fact("goal_progress", home, month, weight * progress, weight)


# Case mix

# The levels of peers of a case, nearest first.
CASE_LEVELS: tuple[tuple[str, ...], ...] = (
    ("contact_type", "tier"),
    ("contact_family", "tier"),
    ("tier",),
    ("contact_type",),
    (),
)


def with_case_mix(facts: list[Fact]) -> list[Fact]:
    """The facts of one metric, each with the rate of its peers as `expected`."""
    rates = peer_means(facts, CASE_LEVELS, lambda one: one["numerator"])
    return [{**one, "expected": rate} for one, rate in zip(facts, rates, strict=True)]


# All of them


def home_assignments(
    people: People,
    agent_months: dict[tuple[str, date], list[Assignment]],
    scheduled: list[Row],
) -> dict[tuple[str, date], Assignment]:
    """(agent, month) -> latest assignment in the home team."""
    time: dict[tuple[str, date], dict[str, timedelta]] = defaultdict(lambda: defaultdict(timedelta))
    for piece in scheduled:
        key = (piece["agent_id"], month_of(piece["day"]))
        time[key][piece["assignment"].team_id] += piece["end"] - piece["start"]
    return {
        key: home_assignment(assignments, time[key]) for key, assignments in agent_months.items()
    }


def all_facts(
    people: People,
    tickets: Tickets,
    homes: dict[tuple[str, date], Assignment],
    scheduled: list[Row],
    productive: list[Row],
    tables: dict[str, list[Row]],
) -> list[Fact]:
    """Every fact of the 13 metrics; `productive`: the agent states that are."""
    contacts = handled_contacts(people, tickets, tables["interactions"])
    return [
        *evaluation_facts(people, tables["qa_evaluations"], tables["qa_criterion_scores"]),
        *aht_facts(contacts),
        *contacts_per_hour_facts(people, contacts, productive),
        *with_case_mix(list(escalation_facts(people, tickets, contacts))),
        *adherence_facts(scheduled, productive, tables["absences"]),
        *with_case_mix(list(csat_facts(people, tickets, tables["surveys"]))),
        *with_case_mix(list(first_contact_facts(people, tickets))),
        *with_case_mix(list(repeat_facts(people, tickets))),
        *training_facts(people, tables["training_assignments"]),
        *knowledge_facts(people, tables["kb_contributions"]),
        *goal_facts(people, homes, tables["development_goals"]),
    ]
