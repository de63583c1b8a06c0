"""Lists the phrases that each language must have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrases:
    """The phrases of one language; names in braces are filled in.

    Sentences that say what happened have no full stop: the summary of the issue may follow.
    """

    # A code of ISO 639-1.
    language: str
    # Between a sentence and the summary, or a label and its value.
    colon: str
    full_stop: str
    # Between sentences.
    space: str
    # Between names.
    comma: str
    # Before the decimals of a number, and the units of sizes, each a thousand of the one before.
    decimal_point: str
    units: tuple[str, str, str, str]
    # The parser finds these lines in replies (`postrail.notifications.reply_marker`).
    marker: str
    internal_marker: str
    greeting: str
    greeting_of_all: str
    # In the place of an author's name.
    unknown_sender: str
    help_desk: str

    received: str
    received_title: str
    you_wrote: str
    commented: str
    commented_internally: str
    outside: str
    assigned: str
    assigned_to_other: str
    opened: str
    opened_for_assignee: str
    opened_for_reporter: str
    status_changed: str
    mentioned: str
    bundled: str
    account_created: str
    account_created_title: str
    account_created_note: str
    rejection: str
    rejection_title: str
    # Why a sender filter does not accept it.
    rejection_reason: str
    approval_request: str
    # How approvers are asked, and how they answer.
    approval_reminder: str
    approval_answer: str
    approval_how: str
    approval_comment: str
    approval_only: str
    approval_any: str
    approval_all: str
    approval_count: str
    approval_order: str
    approval_until: str
    approval_expires: str
    approval_rejects: str
    approval_escalates: str
    approval_files: str
    # Why an answer has not counted, and what became of a request.
    approval_help: str
    approval_unclear: str
    approval_no_comment: str
    approval_late: str
    approval_over: str
    approval_answered: str
    approval_not_asked: str
    approval_other_sender: str
    approval_other_address: str
    approval_unverified: str
    approval_several: str
    approval_forwarded: str
    approval_approved: str
    approval_rejected: str
    approval_chosen: str
    approval_rejected_late: str
    approval_expired: str
    approval_undecided: str
    approval_taken_back: str
    approval_withdrawn: str
    approval_reassigned: str
    approval_nothing_to_do: str
    digest: str
    forwarding: str
    telling: str
    became_issue: str
    became_comment: str
    became_nothing: str
    became_quarantined: str
    became_failed: str
    became_other: str
    reason: str
    see_more: str
    # In the place of an original that is too large for the way it was to go.
    original_left_out: str
    # Faults that people of a project are told of: what happened, the details, what to do.
    error_notice: str
    undelivered: str
    undelivered_to: str
    see_undelivered: str
    retry_undelivered: str
    unreachable: str
    unreachable_only: str
    release_address: str
    held: str
    held_because: str
    see_held: str
    release_held: str
    # An issue that cannot follow the decision of an approval.
    not_followed: str
    not_followed_because: str
    see_approval: str
    nobody_in_time: str
    unavailable: str
    unavailable_since: str
    unavailable_waits: str
    unavailable_instead: str
    test_connection: str
    # Labels of a forwarded message.
    sender: str
    subject: str
    no_subject: str
    mailbox: str
    message: str
    your_message: str

    # What stands in the place of a text.
    no_text: str
    only_pictures: str
    only_files: str
    invitation: str
    too_large: str
    cut: str
    # Above comments that are quoted; of one, that it is internal; in the place of a long one.
    earlier: str
    internal: str
    too_long_to_quote: str
    hint_reply: str
    hint_internal: str
    open_issue: str
    decide: str
    why_wrote: str
    why_watches: str
    why_assigned: str
    why_reporter: str
    why_mentioned: str
    why_project: str
    why_told: str
    why_digest: str
    why_named: str
    why_written_to: str
    why_approver: str
    why_delegate: str
    why_was_asked: str
    why_requester: str
    stop_watching: str
    # An address stands at its end: some programs take a full stop for a part of it.
    unsubscribe: str
    stop_asking: str
    stop_none: str
