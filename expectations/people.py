"""What `people` must look like: the restricted list of names. No verdict tells a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.context import Reading, SuiteContext, SuiteDraft

if TYPE_CHECKING:
    import great_expectations as gx

READING = Reading(
    columns=("agent_id", "full_name", "manager_id", "vintage", "as_of", "release_id"),
    period=None,
)


def suite(context: SuiteContext) -> gx.ExpectationSuite:
    """The suite for the whole table."""
    from great_expectations import expectations as gxe

    draft = SuiteDraft(context)

    # Two names for one id: a reader would see either.
    draft.add(
        "key_is_unique",
        "critical",
        gxe.ExpectColumnValuesToBeUnique,
        column="agent_id",
    )
    for column in ("agent_id", "full_name"):
        # The mart has no other purpose than to put a name to an id.
        draft.add(
            f"{column}_is_there",
            "critical",
            gxe.ExpectColumnValuesToNotBeNull,
            column=column,
        )
    for column in ("full_name", "agent_id", "manager_id"):
        # E-mail addresses never leave staging, wherever a source has put them.
        draft.add(
            f"no_address_in_{column}",
            "critical",
            gxe.ExpectColumnValuesToNotMatchRegex,
            column=column,
            regex="@",
        )
    # A list of all people belongs to no month.
    draft.add(
        "vintage_is_null",
        "critical",
        gxe.ExpectColumnValuesToBeNull,
        column="vintage",
    )
    # Rows of two releases in one mart mean that it was not rebuilt as a whole.
    draft.add(
        "one_release",
        "critical",
        gxe.ExpectColumnUniqueValueCountToBeBetween,
        column="release_id",
        min_value=1,
        max_value=1,
    )
    # Some wait for their first team, and a team may be between managers.
    draft.add(
        "most_have_a_manager",
        "warning",
        gxe.ExpectColumnValuesToNotBeNull,
        column="manager_id",
        mostly=0.9,
    )
    # People who left stay in the roster; fewer than before means that somebody was deleted from it.
    draft.compare(
        "nobody_is_lost",
        "warning",
        gxe.ExpectTableRowCountToBeBetween,
        context.rows_of_previous_release(),
    )
    return draft.finish()
