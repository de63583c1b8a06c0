"""Names the events that messages report, and the variables that their templates may use."""

from __future__ import annotations

from enum import StrEnum


class MessageEvent(StrEnum):
    """What a message reports; each has a template of its own."""

    CREATED = "created"
    RECEIVED = "received"
    OPENED = "opened"
    COMMENTED = "commented"
    INTERNALLY_COMMENTED = "internally_commented"
    OUTSIDE_COMMENTED = "outside_commented"
    ASSIGNED = "assigned"
    ASSIGNEE_CHANGED = "assignee_changed"
    STATUS_CHANGED = "status_changed"
    MENTIONED = "mentioned"
    BUNDLED = "bundled"
    ACCOUNT_CREATED = "account_created"
    ERROR_NOTICE = "error_notice"
    REJECTION = "rejection"
    APPROVAL_REQUEST = "approval_request"
    APPROVAL_REMINDER = "approval_reminder"
    APPROVAL_HELP = "approval_help"
    APPROVAL_RESULT = "approval_result"
    APPROVAL_CLOSED = "approval_closed"
    MANUAL = "manual"
    DIGEST = "digest"
    FORWARDED = "forwarded"
    NOTICE = "notice"
    REPLY = "reply"


# What each one reports, for people.
DESCRIPTIONS: dict[MessageEvent, str] = {
    MessageEvent.CREATED: "confirms a new issue to its reporter",
    MessageEvent.RECEIVED: "confirms a message to an address that may not have sent it",
    MessageEvent.OPENED: "tells others than the reporter of a new issue",
    MessageEvent.COMMENTED: "tells the watchers of a comment",
    MessageEvent.INTERNALLY_COMMENTED: "tells people of the project of an internal comment",
    MessageEvent.OUTSIDE_COMMENTED: "tells people of the project of a stranger's comment",
    MessageEvent.ASSIGNED: "tells a person of an issue that is theirs now",
    MessageEvent.ASSIGNEE_CHANGED: "tells others than the assignee of an assignment",
    MessageEvent.STATUS_CHANGED: "tells the watchers that an issue is done, or open again",
    MessageEvent.MENTIONED: "tells a person of a comment that mentions them",
    MessageEvent.BUNDLED: "tells of several events of an issue that followed each other at once",
    MessageEvent.ACCOUNT_CREATED: "tells a sender that a message made them a known person",
    MessageEvent.ERROR_NOTICE: "tells people of the project of a fault of outgoing mail",
    MessageEvent.REJECTION: "tells an author that a sender filter pushes a message back",
    MessageEvent.APPROVAL_REQUEST: "asks a person for a decision",
    MessageEvent.APPROVAL_REMINDER: "asks a person for a decision again",
    MessageEvent.APPROVAL_HELP: "tells a person why their answer has decided nothing",
    MessageEvent.APPROVAL_RESULT: "tells who made an approval request what became of it",
    MessageEvent.APPROVAL_CLOSED: "tells a person that their decision is not needed any more",
    MessageEvent.MANUAL: "sends what a person writes from an issue",
    MessageEvent.DIGEST: "sums up a day for a person",
    MessageEvent.FORWARDED: "sends an incoming message on, which is attached",
    MessageEvent.NOTICE: "tells people what a handler or a limit wants them to know",
    MessageEvent.REPLY: "answers the author of a message, as a mail handler says",
}

# The names that every template may use; one without a value is "".
VARIABLES: dict[str, str] = {
    "issue.key": "the key of the issue, such as HELP-7",
    "issue.summary": "its summary; not for `received`, which holds no word of the message",
    "issue.url": "its page; blank as long as there is none",
    "issue.status": "its new status, for `status_changed`",
    "project.key": "the key of the project",
    "project.name": "the name of the project",
    "author.name": "the name of the author; the address where the name is none",
    "author.address": "the address of the author",
    "subject": "the subject that the default template gives the message",
    "marker": "the line above which people reply; keep it first",
    "greeting": "the greeting of the recipient by name, in the language of the message",
    "sentence": "one sentence that says what happened, without its full stop",
    "title": "the summary of the issue, or what the message is about; may be blank",
    "headline": "sentence and title on one line",
    "note": "what one has to know or do; may be blank",
    "body": "the new words as plain text: a beginning of long ones, quoted in a confirmation",
    "body_label": "the line above the recipient's own words",
    "body_html": "the new words as HTML, escaped",
    "fields": "what the request or the answers say, with labels, as quoted plain text",
    "fields_html": "the same as an HTML table, escaped",
    "choices": "the answers that an approver may give, numbered, on lines of plain text",
    "choices_html": "the same as links of HTML that begin the reply, escaped",
    "terms": "how to answer an approval request, by when, and who decides",
    "reference": "the line by which an answer finds its request; keep it",
    "history": "earlier comments as plain text, quoted below a heading; blank without any",
    "history_html": "earlier comments as HTML, escaped",
    "act.label": "the words of the one thing to do; blank without one",
    "act.url": "its address",
    "hint": "what becomes of a reply",
    "why": "why the recipient gets this message",
    "stop": "how the recipient stops such messages",
    "time": "the time of the event, in the recipient's time zone, with its name",
    "preview": "the words that mailboxes show beside the subject",
    "language": "the language of the message, such as de",
    "event": "the name of the event",
}

# Those that are read from the database for the messages that have them.
HISTORY = frozenset({"history", "history_html"})
# Those that stand as they are in a text, and why: the first ones are filled in for each recipient
# after the message was rendered, and what is cut out of HTML may be a part of an element.
AS_THEY_ARE = {
    "greeting": "differs by recipient",
    "stop": "differs by recipient",
    "time": "differs by recipient",
    "body_html": "is HTML",
    "fields_html": "is HTML",
    "choices_html": "is HTML",
    "history_html": "is HTML",
}
