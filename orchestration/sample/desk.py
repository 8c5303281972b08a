"""Working time as something to hand tickets out on.

Here: pools of agents, whose turn is next, and how offers are kept even. Not here: the tickets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.sample.frames import DAY, HOUR
from orchestration.sample.workforce import Slots
from orchestration.sample.world import NEVER, Latent, World

# Room for one agent's or pool's instants in a combined sort key.
SPAN = 1 << 34
# How long a ticket waits for the people of its own team.
PATIENCE = 3 * DAY


@dataclass(frozen=True)
class Desk:
    """Working time, searchable by pool and by agent.

    A pool is one team's tier (the third tier is one pool for the company), once for easy and once
    for hard contact types, so that a few people can be given nearly only hard ones.
    """

    pool_key: np.ndarray
    pool_weight: np.ndarray
    pool_slot: np.ndarray
    pool_end: np.ndarray
    pool_daily: np.ndarray
    own_key: np.ndarray
    slots: Slots
    origin: int

    def next_in_pool(
        self, rng: np.random.Generator, pool: np.ndarray, at: np.ndarray, reach: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """An agent and an instant for each ticket: a slot among those coming next in its pool.

        `reach` is how far to look, in working days of the pool. What nobody there would take up for
        days goes to other teams. The agent is -1 and the instant far away where nobody is left.
        """
        agent, when = self._take_up(rng, pool, at, reach)
        pools_of_teams = len(self.pool_daily) - 2
        for _ in range(3):
            waiting = np.flatnonzero((when - at > PATIENCE) & (pool < pools_of_teams))
            away = 4 * rng.integers(1, pools_of_teams // 4, len(waiting))
            other = (pool[waiting] + away) % pools_of_teams
            taker, then = self._take_up(rng, other, at[waiting], reach[waiting])
            sooner = then < when[waiting]
            agent[waiting[sooner]], when[waiting[sooner]] = taker[sooner], then[sooner]
        return agent, when

    def _take_up(
        self, rng: np.random.Generator, pool: np.ndarray, at: np.ndarray, reach: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same within the pool alone."""
        first = np.searchsorted(self.pool_key, pool * SPAN + (at - self.origin) - 300)
        count = np.maximum(3, (self.pool_daily[pool] * reach).astype(np.int64))
        end = np.minimum(first + count, self.pool_end[pool])
        valid = end > first
        end = np.where(valid, end, first)
        low, high = self.pool_weight[first], self.pool_weight[end]
        wanted = low + rng.random(len(pool)) * (high - low)
        chosen = np.clip(np.searchsorted(self.pool_weight, wanted, "right") - 1, first, end - 1)
        slot = self.pool_slot[np.minimum(chosen, len(self.pool_slot) - 1)]
        return self._place(rng, slot, at, valid)

    def next_of_agent(
        self, rng: np.random.Generator, agent: np.ndarray, at: np.ndarray
    ) -> np.ndarray:
        """The instant the agent is next at work at or after `at`; far away where never again."""
        key = np.maximum(agent, 0) * SPAN + (at - self.origin) - 300
        slot = np.minimum(np.searchsorted(self.own_key, key), len(self.own_key) - 1)
        valid = (self.slots.agent[slot] == agent) & (agent >= 0)
        return self._place(rng, slot, at, valid)[1]

    def _place(
        self, rng: np.random.Generator, slot: np.ndarray, at: np.ndarray, valid: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        inside = (rng.random(len(slot)) * self.slots.length[slot]).astype(np.int64)
        when = self.slots.start[slot] + inside
        when = np.where(when <= at + 10, at + 11 + inside % 50, when)
        far = np.int64(self.origin + NEVER * HOUR)
        return np.where(valid, self.slots.agent[slot], -1), np.where(valid, when, far)


def build_desk(world: World, latent: Latent, slots: Slots, factor: np.ndarray) -> Desk:
    """Order the slots by pool and by agent; faster agents are offered more.

    `factor`, shape (agents,), raises the offers of those whose hours get too few of them.
    """
    rng = world.rng("desk")
    team = world.team[slots.agent, slots.day]
    tier = world.tier[slots.agent, slots.day]
    origin = int(slots.start.min()) - DAY
    pool = np.where(tier == 2, 2 * 2 * world.teams, (team * 2 + tier) * 2)
    weight = slots.length * latent.speed[slots.agent, slots.day] ** -0.8
    # Queues are never even: some days an agent gets more of the offers.
    daily = rng.lognormal(0, 0.15, latent.speed.shape)
    weight = weight * daily[slots.agent, slots.day] * factor[slots.agent]
    hard_only = world.groups.case_mix_trap[slots.agent]
    easy_only = world.groups.easy_mix[slots.agent]
    easy = np.select([hard_only, easy_only], [0.02, 1.3], 1.0)
    hard = np.select([hard_only, easy_only], [4.0, 0.02], 1.0)
    weights = np.concatenate([easy * weight, hard * weight])
    pools = np.concatenate([pool, pool + 1])
    starts = np.concatenate([slots.start, slots.start])
    key = pools * SPAN + (starts - origin)
    order = np.argsort(key, kind="stable")
    count = 2 * 2 * world.teams + 2
    sizes = np.bincount(pools, minlength=count)
    own = slots.agent * SPAN + (slots.start - origin)
    return Desk(
        pool_key=key[order],
        pool_weight=np.concatenate([[0.0], np.cumsum(weights[order])]),
        pool_slot=np.concatenate([np.arange(len(pool)), np.arange(len(pool))])[order],
        pool_end=np.cumsum(sizes),
        pool_daily=sizes / world.clock.days,
        own_key=own,
        slots=slots,
        origin=origin,
    )


def pool_of(world: World, team: np.ndarray, tier: np.ndarray, is_hard: np.ndarray) -> np.ndarray:
    """The pool that a ticket of the team goes to at the tier (0 to 2), shape of the arguments."""
    return np.where(tier == 2, 4 * world.teams, (team * 2 + tier) * 2) + is_hard


def balanced_desk(
    world: World,
    latent: Latent,
    slots: Slots,
    pool: np.ndarray,
    created: np.ndarray,
    reach: np.ndarray,
) -> Desk:
    """A desk on which the same hours bring about the same number of tickets in each tier.

    Without it whoever opens in the morning would get what came at night, and whoever works alone
    everything. Trial runs with the demand given (pool, instant, reach) find the factors.
    """
    rng = world.rng("balance")
    weight = slots.length * latent.speed[slots.agent, slots.day] ** -0.8
    offered = np.bincount(slots.agent, weight, world.agents)
    tier = world.tier.max(axis=1)
    factor = np.ones(world.agents)
    for _ in range(4):
        desk = build_desk(world, latent, slots, factor)
        agent, _ = desk.next_in_pool(rng, pool, created, reach)
        got = np.bincount(agent[agent >= 0], minlength=world.agents)
        rate = np.bincount(tier, got, 3) / np.maximum(np.bincount(tier, offered, 3), 1)
        due = offered * rate[tier]
        factor *= np.clip((due + 5) / (got + 5), 0.5, 2.0) ** 0.8
    return build_desk(world, latent, slots, factor)
