"""The fixed lists of the invented company: contact types, channels, zones, states, tables.

Here: names and the numbers that make one contact type harder than another. Not here: what is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np


@dataclass(frozen=True)
class ContactType:
    """`share` of the tickets; `effort` multiplies handle time; offsets are on the logit scale."""

    name: str
    family: str
    share: float
    effort: float
    csat: float
    failure: float
    escalation: float
    is_hard: bool = False


CONTACT_TYPES = (
    ContactType("billing_question", "billing", 0.15, 0.85, 0.20, -0.20, -0.25),
    ContactType("refund_request", "billing", 0.09, 1.15, -1.40, 0.85, 0.70, True),
    ContactType("invoice_copy", "billing", 0.06, 0.55, 0.45, -0.70, -0.80),
    ContactType("login_problem", "account", 0.12, 0.90, 0.15, 0.00, -0.10),
    ContactType("password_reset", "account", 0.10, 0.50, 0.50, -0.65, -0.90),
    ContactType("account_change", "account", 0.07, 0.95, 0.25, -0.25, -0.15),
    ContactType("bug_report", "product", 0.08, 1.70, -1.50, 1.00, 1.00, True),
    ContactType("how_to", "product", 0.11, 0.95, 0.40, -0.30, -0.35),
    ContactType("late_delivery", "delivery", 0.09, 1.00, -0.10, 0.05, -0.05),
    ContactType("return_request", "delivery", 0.06, 1.00, 0.15, -0.05, -0.05),
    ContactType("cancellation", "retention", 0.05, 1.30, -1.45, 0.80, 0.60, True),
    ContactType("complaint_escalation", "retention", 0.02, 1.90, -1.70, 1.00, 2.30, True),
)
CONTACT_TYPE_NAMES = tuple(kind.name for kind in CONTACT_TYPES)
# Deliberately absent from the seed of contact types.
UNLISTED_CONTACT_TYPE = "gift_card"
ALL_CONTACT_TYPES = (*CONTACT_TYPE_NAMES, UNLISTED_CONTACT_TYPE)

SHARES = np.array([kind.share for kind in CONTACT_TYPES])
FAMILIES = tuple(dict.fromkeys(kind.family for kind in CONTACT_TYPES))
# The unlisted type is its own family and of middling difficulty.
FAMILY_OF = np.array([*(FAMILIES.index(kind.family) for kind in CONTACT_TYPES), len(FAMILIES)])
EFFORT = np.array([*(kind.effort for kind in CONTACT_TYPES), 1.0])
CSAT_OFFSET = np.array([*(kind.csat for kind in CONTACT_TYPES), 0.0])
FAILURE_OFFSET = np.array([*(kind.failure for kind in CONTACT_TYPES), 0.0])
ESCALATION_OFFSET = np.array([*(kind.escalation for kind in CONTACT_TYPES), 0.0])
IS_HARD = np.array([*(kind.is_hard for kind in CONTACT_TYPES), False])

# Level of reopening and of coming back anew, on the logit scale, before agent and contact type.
REOPEN_LOGIT = -2.25
REPEAT_LOGIT = -2.12

CHANNELS = ("phone", "chat", "email", "web")
PHONE, CHAT, EMAIL, WEB = range(4)
CHANNEL_SHARES = np.array([0.30, 0.28, 0.30, 0.12])
CHANNEL_EFFORT = np.array([1.00, 0.92, 1.08, 1.00])
SEVERITIES = ("low", "normal", "high", "urgent")
SEVERITY_SHARES = np.array([0.22, 0.53, 0.20, 0.05])
ORIGINS = ("customer", "agent", "system")
TIERS = ("T1", "T2", "T3")
TIER_EFFORT = np.array([1.0, 1.25, 1.45])

EVENT_TYPES = (
    "assigned",
    "severity_changed",
    "contact_type_changed",
    "customer_replied",
    "replied",
    "escalated",
    "solved",
    "reopened",
    "closed",
)
EVENT = {name: code for code, name in enumerate(EVENT_TYPES)}

STATES = (
    "available",
    "handling",
    "after_contact_work",
    "break",
    "meeting",
    "training",
    "offline",
)
STATE = {name: code for code, name in enumerate(STATES)}
ACTIVITIES = ("contact_handling", "meeting", "training", "coaching", "break", "leave")
ACTIVITY = {name: code for code, name in enumerate(ACTIVITIES)}

SUB_DIMENSIONS = (
    "accuracy",
    "tone",
    "process_adherence",
    "resolution_completeness",
    "documentation",
)

TIMEZONES = (
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Australia/Sydney",
)

# The last full month is October 2026. The data ends nine days later, so that month is closed, its
# repeat window has passed in every zone, and the last UTC day is a whole one.
LAST_MONTH_END = date(2026, 11, 1)
LAST_LOADED_AT = datetime(2026, 11, 9, 23, 45, tzinfo=UTC)
