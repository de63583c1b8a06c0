"""Sends messages as the mailbox of a connection, through Microsoft Graph."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from postrail.clock import Clock
from postrail.configuration.models.outgoing_connection import OutgoingConnection
from postrail.courier import (
    Answer,
    BeforeDot,
    CourierUnavailable,
    Envelope,
    MessageTooLarge,
    TimeLimit,
    TooLate,
    as_unavailable,
    nothing_to_record,
    require_size,
)
from postrail.courier.graph.drafts import PIECE_BYTES, Draft, Drafts
from postrail.courier.graph.faults import Forbidden, InDoubt, Refused, SenderDenied
from postrail.courier.graph.http import GraphHttp
from postrail.courier.graph.limits import GraphLimits, OwnLimits
from postrail.courier.graph.parts import GraphMessage, from_address_of, graph_message
from postrail.courier.graph.permissions import require_right_to_send
from postrail.errors import ServerUnavailable
from postrail.graph_limits.table import UPLOAD_BYTES
from postrail.notifications.addresses import can_be_written, smtp_address
from postrail.oauth import TokenSource
from postrail.observe.log import log
from postrail.wire.dialogue_log import DialogueLog, WriteLine, logging
from postrail.wire.graph import segment

logger = log(__name__)

# After a broken connection: how long to wait for Graph to finish the request, before each look.
SETTLE_SECONDS = (1.0, 4.0)
DISCARD_SECONDS = 5.0
SENT = "202 accepted by Microsoft Graph"
SENT_BEFORE = "accepted by Microsoft Graph in an earlier attempt"
# To read an earlier draft, to look for others, and to delete one.
REQUESTS_FOR_EARLIER = 3
# A right to make drafts that was missing may have been granted after this time.
DRAFTS_AGAIN_SECONDS = 3600.0

# Makes the answer for a recipient.
AnswerTo = Callable[[str], Answer]


class GraphCourier:
    """Sends through Graph, at most as many messages at once as the limits allow."""

    def __init__(
        self,
        connection: OutgoingConnection,
        token: TokenSource,
        clock: Clock,
        limits: GraphLimits | None = None,
        write: WriteLine | None = None,
    ) -> None:
        """`write` gets each line of the dialogue."""
        self._connection = connection
        self._clock = clock
        self._limits = limits or OwnLimits()
        written = logging("connection", connection.name) if connection.debug else write
        dialogue = DialogueLog(connection.name, write=written) if written else None
        self._http = GraphHttp(connection, token, dialogue)
        self._drafts = Drafts(connection, self._http)
        # Until then the token may make no drafts, and messages are sent without being read back.
        self._without_drafts_until = 0.0

    async def send(
        self, envelope: Envelope, limit: TimeLimit, before_dot: BeforeDot = nothing_to_record
    ) -> list[Answer]:
        """Sends one message to its recipients; see `Courier.send`."""
        require_size(envelope, self._connection.max_bytes, self._connection.title)
        refused = [one for one in envelope.recipients if not _can_carry(one)]
        if refused:
            words = f"{refused[0]!a} is not an address that Microsoft Graph takes; nothing was sent"
            return [Refused(words, is_final=True).answer(one) for one in envelope.recipients]
        message = graph_message(envelope)
        _require_uploads(message)
        attempt = _Attempt(self._http, self._drafts, self._clock, limit, before_dot)
        async with self._http.in_use():
            answer = await self._answer(envelope, message, attempt, limit.end_before)
        return [answer(one) for one in envelope.recipients]

    async def _answer(
        self, envelope: Envelope, message: GraphMessage, attempt: _Attempt, end: float
    ) -> AnswerTo:
        """Sends the message; returns what makes the answer for each recipient."""
        try:
            async with (
                asyncio.timeout(end - self._clock.steady()),
                self._limits.use(requests_of(message, envelope), size_of(message), end),
            ):
                attempt.has_place = True
                return await self._deliver(envelope, message, attempt)
        except SenderDenied as error:
            address = from_address_of(message.mime)
            if address.lower() == smtp_address(self._connection.from_address).lower():
                raise
            return error.of_context(address).answer
        except ServerUnavailable as error:
            raise as_unavailable(error) from error
        except TimeoutError:
            why = "no answer in time" if attempt.has_place else self._no_place()
            return partial(attempt.broken_off, why=why)
        except InDoubt as error:
            return partial(attempt.broken_off, why=str(error))
        except Refused as error:
            return error.answer
        except Forbidden as error:
            raise error.unavailable from error

    def _no_place(self) -> str:
        return (
            f"{self._connection.mailbox_user} had as many requests at once as Microsoft Graph"
            " allows, all the time that this message has"
        )

    async def _deliver(
        self, envelope: Envelope, message: GraphMessage, attempt: _Attempt
    ) -> AnswerTo:
        message_id = await self._sent_id(envelope, message, attempt)
        return lambda recipient: Answer(
            recipient=recipient,
            state="sent",
            reply=SENT_BEFORE if attempt.was_sent_before else SENT,
            message_id=message_id,
            settles_earlier=attempt.uses_earlier,
        )

    async def _sent_id(self, envelope: Envelope, message: GraphMessage, attempt: _Attempt) -> str:
        """Sends the message; returns the Message-ID of the sent copy, if that can be read."""
        now = self._clock.steady()
        if now >= self._without_drafts_until or message.attachments:
            try:
                return await attempt.by_draft(envelope, message)
            except Forbidden as error:
                if message.attachments or attempt.has_draft or error.is_by_policy:
                    raise
                name, reason = self._connection.name, error.unavailable.problem
                logger.warning("sent messages are not read back", connection=name, reason=reason)
                self._without_drafts_until = now + DRAFTS_AGAIN_SECONDS
        await attempt.directly(message)
        return ""

    async def check(self, limit: TimeLimit) -> None:
        """Gets a token and asks for the mailbox, without a message; raises CourierUnavailable."""
        try:
            async with asyncio.timeout(limit.end_before - self._clock.steady()):
                permissions = await self._http.permissions()
                require_right_to_send(self._connection, permissions)
                await self._http.ask("GET", "mailFolders/drafts")
        except Forbidden as error:
            if error.is_by_policy:
                raise error.unavailable from error
            # The right to send does not include it.
            return
        except (TimeoutError, InDoubt, Refused) as error:
            raise CourierUnavailable(f"Microsoft Graph does not answer: {error}") from error

    async def close_idle(self) -> None:
        """Does nothing: httpx closes idle connections."""

    async def close(self) -> None:
        """Closes the connections, or leaves that to the last message that uses them."""
        await self._http.close()


class _Attempt:
    """The requests that send one message."""

    def __init__(
        self,
        http: GraphHttp,
        drafts: Drafts,
        clock: Clock,
        limit: TimeLimit,
        before_dot: BeforeDot,
    ) -> None:
        self._http = http
        self._drafts = drafts
        self._clock = clock
        self._limit = limit
        self._before_dot = before_dot
        # Whether a request that sends the message may have reached Graph.
        self.has_begun = False
        self.has_draft = False
        # Whether the mailbox has a place for these requests.
        self.has_place = False
        # Whether an earlier attempt made the draft, and whether it had sent it.
        self.uses_earlier = False
        self.was_sent_before = False

    def broken_off(self, recipient: str, why: str) -> Answer:
        """Returns the result of an attempt whose connection broke."""
        if self.has_begun:
            words = f"{why}; Microsoft Graph may have sent the message"
            return Answer(recipient=recipient, state="unknown", reply=words)
        return Answer(recipient=recipient, state="deferred", reply=why)

    async def directly(self, message: GraphMessage) -> None:
        """Sends the message without a draft."""
        await self._begin()
        await self._sending(
            lambda: self._http.ask(
                "POST", "sendMail", content=base64.b64encode(message.mime), wants_answer=False
            )
        )

    async def by_draft(self, envelope: Envelope, message: GraphMessage) -> str:
        """Makes a draft and sends it; returns the Message-ID of the sent copy.

        The draft of an earlier attempt, which was complete, is sent in its place if it is there.
        """
        draft = await self._earlier(envelope)
        if draft is not None and not draft.is_draft:
            self.was_sent_before = True
            return draft.message_id
        missing = () if draft else message.attachments
        draft = draft or await self._drafts.make(message)
        self.has_draft = True
        try:
            for attachment in missing:
                await self._drafts.attach(draft, attachment)
            await self._begin(draft.id)
            path = f"messages/{segment(draft.id)}/send"
            await self._sending(lambda: self._http.ask("POST", path, wants_answer=False))
        except InDoubt as error:
            if not self.has_begun:
                await self._discard(draft)
                raise
            return await self._settled(draft, str(error))
        except BaseException:
            if not self.has_begun:
                await self._discard(draft)
            raise
        return await self._sent_id(draft)

    async def _earlier(self, envelope: Envelope) -> Draft | None:
        """Returns the draft that an earlier attempt was about to send; deletes incomplete ones."""
        found = await self._drafts.found(envelope.draft) if envelope.draft else None
        if found is None and envelope.is_repeated:
            await self._drafts.discard_earlier(envelope)
        self.uses_earlier = found is not None
        return found

    async def _begin(self, draft_id: str = "") -> None:
        """Records that the message is about to be sent, and checks that there is time for it."""
        await self._before_dot(draft_id)
        if self._clock.steady() >= self._limit.dot_before:
            raise TooLate("the time for this message was over before it was complete")
        self.has_begun = True

    async def _sending(self, request: Callable[[], Awaitable[object]]) -> None:
        """Makes the request that sends; raises InDoubt unless its answer says what happened."""
        try:
            await request()
        except Refused as error:
            if error.is_in_doubt:
                raise InDoubt(error.words) from error
            self.has_begun = False
            raise
        except (CourierUnavailable, MessageTooLarge, Forbidden):
            self.has_begun = False
            raise

    async def _settled(self, draft: Draft, why: str) -> str:
        """Finds out whether a draft was sent whose request is in doubt; raises if it was not."""
        is_draft = False
        for seconds in SETTLE_SECONDS:
            await self._clock.sleep(seconds)
            with contextlib.suppress(CourierUnavailable, InDoubt, Refused, Forbidden):
                found = await self._drafts.read(draft.id)
                is_draft = found.is_draft
                if not is_draft:
                    return found.message_id or draft.message_id
        if is_draft and await self._discard(draft):
            self.has_begun = False
            words = f"{why}; the message was still a draft, which is deleted"
            raise Refused(words, is_final=False)
        raise InDoubt(why)

    async def _sent_id(self, draft: Draft) -> str:
        """Returns the Message-ID of the sent copy, which Exchange may have replaced."""
        try:
            found = await self._drafts.read(draft.id)
        except (CourierUnavailable, InDoubt, Refused, Forbidden):
            # A copy is not kept, or is not there yet.
            return draft.message_id
        return found.message_id or draft.message_id

    async def _discard(self, draft: Draft) -> bool:
        """Deletes a draft that is not sent, if that does not take long; returns whether it did."""
        try:
            async with asyncio.timeout(DISCARD_SECONDS):
                # The sender of an earlier attempt may be alive, and have sent it just now.
                if self.uses_earlier and not (await self._drafts.read(draft.id)).is_draft:
                    return False
                return await self._drafts.discard(draft.id)
        except (TimeoutError, CourierUnavailable, InDoubt, Refused, Forbidden):
            return False


def requests_of(message: GraphMessage, envelope: Envelope) -> int:
    """Returns the most requests that a message needs."""
    pieces = sum(len(one.content) // PIECE_BYTES + 2 for one in message.attachments)
    # The draft, sending it, reading it back, deleting it.
    repeated = REQUESTS_FOR_EARLIER if envelope.is_repeated else 0
    return 4 + len(SETTLE_SECONDS) + pieces + repeated


def size_of(message: GraphMessage) -> int:
    """Returns the bytes that are uploaded for a message, about."""
    return len(message.mime) * 4 // 3 + sum(len(one.content) for one in message.attachments)


def _require_uploads(message: GraphMessage) -> None:
    """Raises MessageTooLarge for a message that no mailbox may upload within Graph's time."""
    if (size := size_of(message)) > UPLOAD_BYTES:
        raise MessageTooLarge(
            f"the message needs {size:,} bytes of uploads, more than Microsoft Graph takes from a"
            f" mailbox at a time ({UPLOAD_BYTES:,})"
        )


def _can_carry(address: str) -> bool:
    sent = smtp_address(address)
    return sent.isascii() and can_be_written(sent)
