"""The phrases in English."""

from __future__ import annotations

from postrail.notifications.phrases.phrases import Phrases

ENGLISH = Phrases(
    language="en",
    colon=": ",
    full_stop=".",
    comma=", ",
    decimal_point=".",
    units=("bytes", "KB", "MB", "GB"),
    marker="Please reply above this line",
    internal_marker="Internal: please reply above this line",
    greeting="Hello {name},",
    greeting_of_all="Hello,",
    unknown_sender="An unknown sender",
    help_desk="The help desk",
    received="We received your message; its number is {key}",
    received_title="We received your message",
    you_wrote="You wrote:",
    commented="{author} commented on {key}",
    commented_internally="{author} commented internally on {key}",
    outside=(
        "{author} takes no part in {key}, so only people of the project are told. To accept this"
        " comment, and let its author take part, run: {command}"
    ),
    assigned="{author} assigned {key} to you",
    assigned_to_other="{author} assigned {key} to {assignee}",
    opened="{author} opened {key}",
    opened_for_assignee="{author} opened {key}, which is assigned to you",
    opened_for_reporter="{author} opened {key} for you",
    status_changed="{author} set {key} to {status}",
    mentioned="{author} mentioned you in {key}",
    bundled="There is news about {key}",
    account_created="You wrote to us for the first time, so we now know {address} as a person",
    account_created_title="We know your address now",
    account_created_note=(
        "You need no password: just write to us from this address, and reply to our emails. If you"
        " did not write to us, ignore this email."
    ),
    rejection="Your message was not accepted",
    rejection_title="Your message was not accepted",
    rejection_reason="This address takes no messages from yours. Nobody has read your message.",
    approval_request="{author} asks you to decide about {key}",
    approval_note="Nothing happens until you decide.",
    digest="Your day in {project}",
    forwarding="{by} sends you this message; it is attached as it was received.",
    telling="{by} tells you of this message.",
    became_issue="It became issue {key}.",
    became_comment="It became a comment on {key}.",
    became_nothing="It became no issue and no comment.",
    became_quarantined="It is quarantined: it has no effect until a person releases it.",
    became_failed="It could not be handled.",
    became_other="Its outcome is: {outcome}.",
    reason="Reason",
    see_more="To see more of it, run: {command}",
    original_left_out=(
        "The original is too large to be attached to this email. "
        "It is kept; to see it, run: {command}"
    ),
    error_notice="Something needs your attention in {project}",
    undelivered="An email about {key} was not delivered",
    undelivered_to="It was for {recipient}. The answer of the mail server:",
    see_undelivered="To see the email: {command}",
    retry_undelivered="To send it once more: {command}",
    unreachable="Nobody gets the emails about {key}",
    unreachable_only=(
        "The only recipient is {recipient}, an address that is not written to any more:"
    ),
    release_address="To write to it again: {command}",
    held="Notifications of {key} wait",
    held_because="A person has to release them:",
    see_held="To see them: {command}",
    release_held="To send them: {command}",
    unavailable="The outgoing connection {name} is unavailable",
    unavailable_since="It has sent nothing since {time}:",
    unavailable_waits="Its emails wait. They go on by themselves once the server answers.",
    unavailable_instead="Its emails go over {fallback} until the server answers.",
    test_connection="To look for the cause: {command}",
    sender="From",
    subject="Subject",
    no_subject="none",
    mailbox="Mailbox",
    message="Message",
    your_message="Your message",
    no_text="(The message has no text.)",
    only_pictures="(The message has no text, only pictures: {names})",
    only_files="(The message has no text, only files: {names})",
    invitation="(The message is an invitation: {summary})",
    too_large=(
        "(The message was too large to read: {size}. Its subject and sender arrived; for files of"
        " this size, ask us for another way.)"
    ),
    cut="[… This is only the beginning; {key} has the whole text.]",
    earlier="Earlier comments:",
    internal="internal",
    too_long_to_quote="[This comment is too long to be quoted; {key} has it.]",
    hint_reply="To add anything, just reply to this email.",
    hint_internal=(
        "This comment and all replies to this email are internal: outsiders do not see them."
    ),
    open_issue="Open {key}",
    decide="Decide now",
    why_wrote="You get this email because you wrote to us.",
    why_watches="You get this email because you watch {key}.",
    why_assigned="You get this email because {key} is assigned to you.",
    why_reporter="You get this email because {key} was opened for you.",
    why_mentioned="You get this email because a comment mentions you.",
    why_project="You get this email because you look after {project}.",
    why_told="You get this email because {project} is set up to tell you of this.",
    why_digest="You get this email because your messages about {project} come once a day.",
    why_named="You get this email because your address is named in the settings.",
    why_written_to="You get this email because a person wrote to you.",
    stop_watching="To get no more emails about {key}, reply and ask us.",
    unsubscribe="To get no more emails about {key}, send an empty email to {address}",
    stop_asking="To change this, ask the administrator of {project}.",
    stop_none="There will be no further email about this.",
)
