"""The raw tables of the ticketing system and of the survey tool.

Here: tickets, ticket_events, interactions and surveys made of the simulated service, with their
versions and the oddities of real life. Not here: the simulation (tickets) and rows that must be
quarantined (dirt).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sample.catalogue import (
    ALL_CONTACT_TYPES,
    CHANNELS,
    CHAT,
    CONTACT_TYPE_NAMES,
    CSAT_OFFSET,
    EMAIL,
    EVENT_TYPES,
    ORIGINS,
    PHONE,
    SEVERITIES,
)
from orchestration.sample.frames import (
    DAY,
    HOUR,
    LOADER_GRID,
    NULL,
    Frame,
    booleans,
    coded,
    identifiers,
    integers,
    loaded_after,
    logistic,
    on_grid,
    stack,
    take,
    times,
)
from orchestration.sample.tickets import Service, Tickets, value_vocabulary
from orchestration.sample.world import BOTS, Latent, World

KEPT, SPAM, MERGED, LINKED, DELETED, REVIVED = range(6)


@dataclass(frozen=True)
class ServiceFrames:
    """The frames of the ticketing tables and the counts of what was planted in them."""

    tickets: Frame
    events: Frame
    interactions: Frame
    dispositions: dict[str, int]
    features: dict[str, int]
    implausible: int


def service_frames(world: World, service: Service) -> ServiceFrames:
    """tickets, ticket_events and interactions, with replaced actors and later versions."""
    rng = world.rng("service frames")
    count, outcome = len(service.tickets), service.outcome
    replaced = _replaced_actors(world, rng, service)
    bare = np.zeros(count, dtype=bool)
    bare[rng.choice(count, size=max(2, count // 1_000), replace=False)] = True
    bare &= replaced < 0
    tickets, dispositions, features = _ticket_frame(world, rng, service)
    events = _event_frame(world, rng, service, replaced, bare)
    interactions, odd = _interaction_frame(world, rng, service, replaced, bare)
    names = {world.agents + len(BOTS) + k for k in range(3)}
    features |= service.planted
    features |= {
        "tickets_of_unknown_agents": int(np.isin(replaced, list(names)).sum()),
        "tickets_worked_after_leaving": int(((replaced >= 0) & (replaced < world.agents)).sum()),
        "tickets_without_events": int(bare.sum()),
        "reopened_still_open": int((outcome.is_reopened & outcome.is_left_open).sum()),
        "closed_never_solved": int(outcome.is_closed_unsolved.sum()),
        "solved_by_bot": int(service.tickets.by_bot.sum()),
    }
    return ServiceFrames(tickets, events, interactions, dispositions, features, odd)


def _replaced_actors(world: World, rng: np.random.Generator, service: Service) -> np.ndarray:
    """Per ticket the person whose id stands for every human on it, -1 for most.

    Some are people the roster does not know, a few are somebody who had already left.
    """
    count = len(service.tickets)
    result = np.full(count, -1)
    human = np.flatnonzero(~service.tickets.by_bot)
    unknown = rng.choice(human, size=max(3, count // 400), replace=False)
    result[unknown] = world.agents + len(BOTS) + rng.integers(0, 3, len(unknown))
    leaver = int(np.flatnonzero(world.groups.leaver)[0])
    gone_at = (world.clock.first_day + world.left[leaver] + 2) * DAY
    later = human[service.tickets.created[human] > gone_at]
    result[later[:3]] = leaver
    return result


def _ticket_frame(
    world: World, rng: np.random.Generator, service: Service
) -> tuple[Frame, dict[str, int], dict[str, int]]:
    """First versions, and later ones that mark spam, merge, link a customer, delete, undelete."""
    tickets = service.tickets
    count = len(tickets)
    kind = tickets.kind.copy()
    kind[rng.choice(count, size=4, replace=False)] = len(CONTACT_TYPE_NAMES)
    origin = rng.choice(3, size=count, p=(0.965, 0.02, 0.015))
    before = _previous_of_customer(tickets)
    fate = _draw_fates(rng, before)
    is_test = rng.random(count) < 0.002
    is_test[np.flatnonzero(fate == KEPT)[[7, 70]]] = True
    no_customer = (rng.random(count) < 0.02) & (fate != LINKED)
    customer = np.where(no_customer | (fate == LINKED), -1, tickets.customer)
    loaded = np.minimum(loaded_after(rng, tickets.created, 10, 0.004), world.clock.cutoff)
    base: Frame = {
        "ticket_id": identifiers("T", np.arange(1, count + 1), 7),
        "created_at": times(tickets.created),
        "channel": coded(tickets.channel, CHANNELS),
        "contact_type": coded(kind, ALL_CONTACT_TYPES),
        "severity": coded(tickets.severity, SEVERITIES),
        "customer_id": identifiers("C", customer, 6),
        "origin": coded(origin, ORIGINS),
        "is_spam": booleans(np.zeros(count)),
        "is_test": booleans(is_test),
        "merged_into_ticket_id": identifiers("T", np.full(count, -1), 7),
        "_loaded_at": times(loaded),
        "_deleted": booleans(np.zeros(count)),
    }
    changed = np.flatnonzero(fate != KEPT)
    became = fate[changed]
    delay = on_grid(rng.exponential(8 * HOUR, len(changed)).astype(np.int64))
    stamp = loaded[changed] + LOADER_GRID + delay
    second = take(base, changed)
    second["customer_id"] = identifiers(
        "C", np.where(no_customer[changed], -1, tickets.customer[changed]), 6
    )
    second["is_spam"] = booleans(became == SPAM)
    second["merged_into_ticket_id"] = identifiers(
        "T", np.where(became == MERGED, before[changed] + 1, -1), 7
    )
    second["_deleted"] = booleans(np.isin(became, (DELETED, REVIVED)))
    second["_loaded_at"] = times(stamp)
    back = became == REVIVED
    third = take(base, changed[back])
    third["_loaded_at"] = times(stamp[back] + 6 * HOUR)
    frame = stack([base, second, third])
    # Changes that have not arrived by the end of the data have not happened yet.
    arrived = np.full(count, KEPT)
    known = stamp <= world.clock.cutoff
    arrived[changed[known]] = became[known]
    undeleted = changed[back][stamp[back] + 6 * HOUR <= world.clock.cutoff]
    gone = np.isin(arrived, (DELETED, REVIVED))
    gone[undeleted] = False
    # The first reason counts: deleted, spam, test, merged, not a customer's.
    reason = np.select(
        [gone, arrived == SPAM, is_test, arrived == MERGED, origin != 0],
        ["deleted", "spam", "test", "merged", "not_customer"],
        "",
    )
    dispositions = {
        "deleted" if name == "deleted" else f"out_of_scope:{name}": int((reason == name).sum())
        for name in ("deleted", "spam", "test", "merged", "not_customer")
    }
    into = before[arrived == MERGED]
    features = {
        "tickets_without_customer": int(no_customer.sum()),
        "tickets_of_an_unlisted_contact_type": 4,
        "tickets_undeleted": len(undeleted),
        "merge_chains": int((arrived[into] == MERGED).sum()),
    }
    return frame, dispositions, features


def _draw_fates(rng: np.random.Generator, before: np.ndarray) -> np.ndarray:
    """What happens to each ticket's record later; every fate falls on two tickets at least.

    `before` is the customer's ticket before, which a merged one is merged into: always an older
    one, so there is no cycle, and one chain of two merges is certain.
    """
    count = len(before)
    shares = np.array([0.006, 0.012, 0.012, 0.0012, 0.0005])
    codes = np.arange(1, len(shares) + 1)
    fate = rng.choice(len(shares) + 1, size=count, p=[1 - shares.sum(), *shares])
    early = rng.choice(count // 2, size=2 * len(codes), replace=False)
    fate[early] = np.repeat(codes, 2)
    fate[(fate == MERGED) & (before < 0)] = KEPT
    # In the first half of the data, so that all of it has been loaded by the end.
    middle = np.flatnonzero((before >= 0) & (before[np.maximum(before, 0)] >= 0))
    chained = middle[middle < max(count // 2, middle[0] + 1)][-1]
    fate[[chained, before[chained]]] = MERGED
    return fate


def _previous_of_customer(tickets: Tickets) -> np.ndarray:
    """For each ticket the customer's ticket before it, -1 where there is none."""
    order = np.lexsort((tickets.created, tickets.customer))
    same = np.zeros(len(order), dtype=bool)
    same[1:] = tickets.customer[order[1:]] == tickets.customer[order[:-1]]
    result = np.full(len(order), -1)
    result[order[1:]] = np.where(same[1:], order[:-1], -1)
    return result


def _event_frame(
    world: World,
    rng: np.random.Generator,
    service: Service,
    replaced: np.ndarray,
    bare: np.ndarray,
) -> Frame:
    """ticket_events numbered by (occurred_at, order of the types at one instant)."""
    ticket, at, kind, actor, before, after = service.events
    stand_in = replaced[ticket]
    swapped = stand_in >= 0

    def person(values: np.ndarray) -> np.ndarray:
        return np.where(swapped & (values >= 0) & (values < world.agents), stand_in, values)

    keep = np.flatnonzero((at <= world.clock.cutoff) & ~bare[ticket])
    keep = keep[np.lexsort((kind[keep], at[keep]))]
    ticket, at, kind = ticket[keep], at[keep], kind[keep]
    actor, before, after = (person(values)[keep] for values in (actor, before, after))
    return {
        "event_id": identifiers("E", np.arange(1, len(keep) + 1), 8),
        "ticket_id": identifiers("T", ticket + 1, 7),
        "occurred_at": times(at),
        "event_type": coded(kind, EVENT_TYPES),
        "agent_id": coded(actor, world.people),
        "from_value": coded(before, value_vocabulary(world)),
        "to_value": coded(after, value_vocabulary(world)),
        "_loaded_at": times(loaded_after(rng, at, 12, 0.006)),
        "_deleted": booleans(np.zeros(len(keep))),
    }


def _interaction_frame(
    world: World,
    rng: np.random.Generator,
    service: Service,
    replaced: np.ndarray,
    bare: np.ndarray,
) -> tuple[Frame, int]:
    """interactions, a few with durations nobody can believe."""
    ticket, agent, channel, start, seconds = service.interactions
    keep = np.flatnonzero((start + seconds <= world.clock.cutoff) & ~bare[ticket])
    keep = keep[np.argsort(start[keep], kind="stable")]
    ticket, agent, channel, start, seconds = (
        column[keep] for column in (ticket, agent, channel, start, seconds)
    )
    count = len(keep)
    agent = np.where(replaced[ticket] >= 0, replaced[ticket], agent)
    live = np.isin(channel, (PHONE, CHAT))
    hold = np.where(live, seconds * rng.uniform(0, 0.2, count), 0).astype(np.int64)
    wrap = (seconds * rng.uniform(0.08, 0.25, count)).astype(np.int64)
    talk = seconds - hold - wrap
    end = start + np.where(live, seconds, (seconds * rng.uniform(1, 1.6, count)).astype(np.int64))
    end = np.minimum(end, np.maximum(start + seconds, world.clock.cutoff - 60))
    odd = rng.choice(count, size=max(4, count // 2_000), replace=False)
    zero, negative, backwards, endless = (odd[k::4] for k in range(4))
    for values in (talk, hold, wrap):
        values[zero] = 0
    talk[negative] = -talk[negative] - 400
    end[backwards] = start[backwards] - 60
    talk[endless] = 90_000
    frame: Frame = {
        "interaction_id": identifiers("I", np.arange(1, count + 1), 8),
        "ticket_id": identifiers("T", ticket + 1, 7),
        "agent_id": coded(agent, world.people),
        "channel": coded(channel, CHANNELS),
        "started_at": times(start),
        "ended_at": times(end),
        "talk_seconds": integers(talk),
        "hold_seconds": integers(hold),
        "wrap_seconds": integers(wrap),
        "_loaded_at": times(loaded_after(rng, np.maximum(start, end), 12, 0.006)),
        "_deleted": booleans(np.zeros(count)),
    }
    return frame, len(odd)


def survey_frame(world: World, latent: Latent, service: Service) -> tuple[Frame, dict[str, int]]:
    """surveys: sent after almost half of the solves, answered by half; few for small samples.

    E-mail asks on a scale of 1 to 10, the phone system sends no scale, the others 1 to 5. Versions:
    as sent, as answered, for some as changed; one change has its answer's stamp and a sequence.
    """
    rng = world.rng("surveys")
    tickets, outcome = service.tickets, service.outcome
    human = np.flatnonzero((outcome.first_solve != NULL) & (outcome.first_solver >= 0))
    solver = outcome.first_solver[human]
    # Customers of those whose work falls off are asked most often.
    asked = np.select(
        [world.groups.small_sample[solver], world.groups.strong_decliner[solver]],
        [0.085, 0.9],
        0.45,
    )
    rows = human[rng.random(len(human)) < asked]
    solver, solve = outcome.first_solver[rows], outcome.first_solve[rows]
    sent = solve + rng.integers(600, 2 * HOUR, len(rows))
    inside = sent < world.clock.cutoff - HOUR
    rows, solver, sent = rows[inside], solver[inside], sent[inside]
    order = np.argsort(sent, kind="stable")
    rows, solver, sent = rows[order], solver[order], sent[order]
    count = len(rows)
    level = latent.satisfaction[solver, world.clock.day_index(sent)]
    level = level + CSAT_OFFSET[tickets.kind[rows]] - 0.35 * outcome.is_reopened[rows]
    positive = rng.random(count) < logistic(level)
    grade = rng.random(count)
    ten = tickets.channel[rows] == EMAIL
    unhappy = np.select([grade < 0.45, grade < 0.7], [3, 2], 1)
    of_five = np.where(positive, np.where(grade < 0.66, 5, 4), unhappy)
    of_ten = np.where(positive, 8 + (grade * 3).astype(int), 1 + (grade * 7).astype(int))
    score = np.where(ten, of_ten, of_five)
    unscaled = tickets.channel[rows] == PHONE
    answered = rng.random(count) < 0.52
    responded = sent + 120 + rng.exponential(11 * HOUR, count).astype(np.int64)
    answered &= responded < world.clock.cutoff - HOUR
    nobody = np.full(count, NULL)
    first: Frame = {
        "survey_id": identifiers("V", np.arange(1, count + 1), 7),
        "ticket_id": identifiers("T", rows + 1, 7),
        "agent_id": coded(np.where(rng.random(count) < 0.1, -1, solver), world.people),
        "sent_at": times(sent),
        "responded_at": times(nobody),
        "score": integers(nobody),
        "scale_min": integers(np.where(unscaled, NULL, 1)),
        "scale_max": integers(np.where(unscaled, NULL, np.where(ten, 10, 5))),
        "_loaded_at": times(loaded_after(rng, sent, 15, 0.0)),
        "_deleted": booleans(np.zeros(count)),
        "_sequence": integers(nobody),
    }
    replies = np.flatnonzero(answered)
    second = take(first, replies)
    second["responded_at"] = times(responded[replies])
    second["score"] = integers(score[replies])
    stamp = np.maximum(
        loaded_after(rng, responded[replies], 40, 0.02), first["_loaded_at"].values[replies] + 900
    )
    second["_loaded_at"] = times(stamp)
    chosen = np.unique(np.append(np.flatnonzero(rng.random(len(replies)) < 0.012), [0, 1]))
    third = take(second, chosen)
    third["score"] = integers(np.where(third["score"].values > 2, 1, 4))
    third["_loaded_at"] = times(stamp[chosen] + 3 * HOUR)
    # The very first change came in the same load as the answer: only the sequence orders them.
    third["_loaded_at"].values[0] = stamp[chosen[0]]
    third["_sequence"] = integers(np.where(np.arange(len(chosen)) == 0, 2, NULL))
    second["_sequence"].values[chosen[0]] = 1
    changed = int((third["_loaded_at"].values <= world.clock.cutoff).sum())
    features = {"ratings_changed": changed, "versions_told_apart_by_sequence": 1}
    return stack([first, second, third]), features
