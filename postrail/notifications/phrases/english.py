"""The phrases in English."""

from __future__ import annotations

from postrail.notifications.phrases.phrases import Phrases

ENGLISH = Phrases(
    language="en",
    colon=": ",
    full_stop=".",
    space=" ",
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
    approval_request="{author} asks for your decision",
    approval_reminder="{author} is still waiting for your decision",
    approval_answer="Answer {number}: {choice}",
    approval_how=(
        "To decide, reply to this email. Begin with the words after the colon, or with the number"
        " alone; whatever you write after that is your comment."
    ),
    approval_comment="A rejection needs a comment that says why.",
    approval_only="Only you are asked.",
    approval_any="The first answer decides; {count} people are asked.",
    approval_all=(
        "It takes the approval of all {count} people who are asked; the first rejection decides."
    ),
    approval_count="It takes the approval of {needed} of the {count} people who are asked.",
    approval_order=(
        "The {count} approvers are asked one after the other. It takes the approval of all; the"
        " first rejection decides."
    ),
    approval_until="Your answer counts if it arrives before {time}.",
    approval_expires="After that, the request expires.",
    approval_rejects="After that, it counts as rejected.",
    approval_escalates="After that, other people are asked.",
    approval_files="Attached",
    approval_help="Your reply has decided nothing",
    approval_unclear=(
        "It does not begin with one of the answers, or its next words leave open what is meant."
    ),
    approval_no_comment="A rejection needs a comment that says why, and your reply has none.",
    approval_late="It arrived too late: answers counted until {time}.",
    approval_over="The request has ended in the meantime, and needs no answer any more.",
    approval_answered="An answer of yours has counted already, and cannot be changed by email.",
    approval_not_asked="You are no longer asked, or not yet.",
    approval_other_sender=(
        "It came from {address}. Only the person who was asked can answer, from the address that"
        " our email went to."
    ),
    approval_other_address=(
        "It was not sent to the address that answers go to. Reply to our email itself."
    ),
    approval_unverified=(
        "It could not be verified that it came from you. Send it from your usual email program,"
        " or ask the person who made the request."
    ),
    approval_several="It names several requests. Reply to each of them in an email of its own.",
    approval_forwarded="It looks like a forwarded email. Reply to our email itself.",
    approval_approved="Your request was approved",
    approval_rejected="Your request was rejected",
    approval_chosen="Your request has an answer, {choice}",
    approval_rejected_late="Your request counts as rejected: nobody decided in time",
    approval_expired="Your request has expired: nobody decided in time",
    approval_undecided="Your request ends without a decision: no choice has enough answers",
    approval_taken_back="Your request was withdrawn",
    approval_withdrawn="A request to you was withdrawn",
    approval_reassigned="Another person decides in your place",
    approval_nothing_to_do="You need not answer any more.",
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
    not_followed="{issue} does not follow the decision of {key}",
    not_followed_because="The decision stays as it is. The reason:",
    see_approval="To see the request: {command}",
    nobody_in_time="Nobody decided in time.",
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
    why_approver="You get this email because {author} asks you for a decision.",
    why_delegate="You get this email because you decide for {name}.",
    why_was_asked="You get this email because you were asked for a decision.",
    why_requester="You get this email because you made the request.",
    stop_watching="To get no more emails about {key}, reply and ask us.",
    unsubscribe="To get no more emails about {key}, send an empty email to {address}",
    stop_asking="To change this, ask the administrator of {project}.",
    stop_none="There will be no further email about this.",
)
