"""The words of bounces: subjects and sentences, in the languages of mail servers."""

from __future__ import annotations

from services.parser.text.word_patterns import Words

# In subjects and texts: a message was not delivered.
_NOT_DELIVERED = (
    r"undeliver(?:ed|able)|non-?deliver|not (?:be |been )?(?:delivered|deliverable)"
    r"|deliver\w* (?:\w+ ){0,2}(?:fail\w*|error|problem|has failed|incomplete|unsuccessful)"
    r"|fail\w* (?:to deliver|delivery|mail|recipient)|(?:un|not )able to (?:deliver|send|relay)"
    r"|(?:could|can|did|was|were|has|have)(?:n'?t|n’t| ?not) (?:be |been )?(?:deliver"
    r"|reach|sent|relay)"
    r"|cannot (?:be )?(?:deliver|sent|reach)|returned (?:mail|e-?mail|message|to sender)"
    r"|(?:mail|message|e-?mail) (?:\w+ ){0,3}(?:rejected|returned|bounced|failed|blocked)"
    r"|failure (?:notice|delivery|notification)|delivery (?:status notification|report|failed)"
    r"|user(?: is)? unknown|unknown user|no such (?:user|recipient|mailbox|address|person)"
    # German, Dutch
    r"|unzustellbar|nicht (?:\w+ ){0,2}(?:zugestellt|zustellbar|übermittelt)"
    r"|zustell\w* (?:\w+ ){0,4}(?:fehlgeschlagen|nicht|fehler)|fehler bei der zustellung"
    r"|onbestelbaar|niet (?:\w+ ){0,2}(?:bezorgd|afgeleverd|besteld)|aflever\w* mislukt"
    # French, Spanish, Portuguese, Italian
    r"|non (?:remis|distribu|délivr|livr)|n'a pas (?:pu être|été) (?:remis|distribu|délivr"
    r"|envoy|livr)"
    r"|échec (?:de )?(?:la |l')?(?:remise|distribution|livraison|envoi)"
    r"|no (?:se )?(?:ha podido|ha sido|pudo|puede|entregad|entregab)\w*(?: ser)? ?entreg?\w*"
    r"|error (?:de|en la) entrega|correo devuelto|(?:mensaje|correo) no entregado"
    r"|não (?:foi |pôde |pode )?(?:ser )?entregue|falha (?:na|de|no) (?:entrega|envio)"
    r"|mancat[ao] (?:recapito|consegna)|non (?:è stato )?(?:possibile )?(?:recapita|consegna)"
    r"|impossibile (?:recapitare|consegnare)"
    # Swedish, Danish, Norwegian, Finnish
    r"|olevererbar|(?:kunde|kan) inte levereras|inte levererats|kunne ikke (?:leveres|afleveres)"
    r"|kan ikke leveres|ikke leveret|ulever|ei voitu toimittaa|toimittamat|ei voida toimittaa"
    # Polish, Czech, Hungarian, Turkish
    r"|niedostarcz|nie (?:\w+ ){0,2}dostarczon|nie można dostarczyć|nedoruč|nelze doručit"
    r"|kézbesíthetetlen|nem (?:sikerült )?kézbesít|teslim edilemedi|iletilemedi|gönderilemedi"
    # Russian, Ukrainian
    r"|не (?:\w+ ){0,2}доставлен|недоставлен|невозможно доставить|ошибка доставки"
    r"|не удалось доставить|не може бути доставлен"
    # Japanese, Chinese, Korean
    r"|配信不能|配信できません|送信できません|配送できません|未配信|エラーメール|配達できません|届きませんでした"
    r"|退信|未送达|投递失败|投遞失敗|無法傳遞|无法传递|无法投递|無法投遞|无法送达|未能送达|被退回|被拒收"
    r"|배달 못|배달되지|전송 실패|반송|전달되지|전송되지"
)
_LATE = (
    r"(?:deliver\w*|message|mail|e-?mail) (?:\S+ ){0,6}(?:delayed|postponed|deferred)"
    r"|delayed (?:mail|delivery|message)|still being retried|not yet been delivered"
    r"|delivery (?:attempts )?will (?:continue|be retried)|will be retried"
    r"|will (?:keep|continue) trying"
    r"|delivery status notification \(delay\)|mail delivery warning|this is a warning message only"
    r"|noch nicht zugestellt|verzögert|verzögerung|retardé|en retard|retrasad|atrasad|in ritardo"
    r"|vertraagd|försenad|forsinket|opóźnion|zpožděn|задержан|отложен"
)
SUBJECT = Words(
    rf"{_NOT_DELIVERED}|{_LATE}|\bbounced?\b|mail (?:system )?error"
    r"|mail delivery (?:system|problem)"
    r"|address not found|permanent (?:delivery )?(?:error|failure)|warning: (?:message|could not)"
    r"|processing error|delivery notification|mail could not|return(?:ed|ing) (?:mail|message)"
)
FAILURE = Words(
    rf"{_NOT_DELIVERED}|automatically rejected|(?:was|been) rejected|rejected (?:mail|message)"
    r"|permanent(?:ly)? (?:fatal )?(?:error|fail|reject)|fatal errors?"
    r"|following (?:e-?mail )?(?:address|recipient|user)\S* (?:\w+ ){0,3}(?:had|fail"
    r"|reject|not|could|are|is)"
    r"|mailbox (?:is )?(?:full|unavailable|not found|disabled|over|exceed)|over quota"
    r"|quota exceeded"
    r"|exceed\w* (?:\w+ ){0,4}quota|address (?:rejected|unknown|not found|does not exist|failed)"
    r"|does(?:n'?t| not) exist|doesn’t exist|account (?:\w+ ){0,3}(?:disabled|inactive|suspended)"
    r"|recipient (?:rejected|unknown|not found)|invalid (?:recipient|address|user|mailbox|final)"
    r"|host (?:unknown|not found)|name or service not known|unrouteable|unroutable|relaying denied"
    r"|not listed in|gave (?:this|the) error|remote (?:host|server) (?:said|returned|response)"
    r"|deliver\w* (?:\w+ ){0,4}(?:stopped|blocked|refused)"
    r"|did not reach the following|undeliverable to|problem delivering|unsuccessful"
)
DELAY = Words(_LATE)
# The line above the returned message.
RETURNED_MAIL = Words(
    r"(?:below (?:this|the next) line|this|here|following|attached|included) (?:is|are) "
    r"(?:a |the |your )?(?:copy|returned|original|undelivered|header|message)"
    r"|-{2,} ?(?:the )?(?:\w+ ){0,3}(?:original|returned|unsent|undelivered|rejected"
    r"|message|copy|body|header)"
    r"|original message (?:follows|headers?|text)|message (?:text|headers?) follows?"
    r"|begin(?:ning)? of (?:the )?(?:original|returned)|ursprüngliche nachricht|message d'origine"
)
# The status (RFC 3463) that a reason in words means, for servers that send only words.
REASONS = tuple(
    (status, Words(words))
    for status, words in (
        (
            "5.1.2",
            r"(?:host|domain)(?: name)? (?:\w+ ){0,2}(?:unknown|not found|does not exist)"
            r"|unknown (?:host|domain)|unrouteable mail domain|no such (?:host|domain)"
            r"|couldn'?t find any host",
        ),
        (
            "5.1.1",
            r"user (?:is )?unknown|unknown (?:user|recipient|local|address)"
            r"|no such (?:user|recipient)"
            r"|no mailbox here|(?:user|address|account|mailbox) (?:\w+ ){0,4}(?:not exist"
            r"|not found)"
            r"|user\w* (?:\w+ ){0,3}not listed|doesn'?t have (?:an?|the) .{0,40}account",
        ),
        (
            "5.2.2",
            r"(?:mailbox|inbox|quota) (?:\w+ ){0,3}(?:full|exceed)|over ?quota"
            r"|exceed\w* .{0,40}quota",
        ),
        (
            "5.3.4",
            r"(?:message|mail) (?:\w+ ){0,3}(?:too (?:large|big)|size exceed)"
            r"|exceed\w* .{0,40}size",
        ),
        ("5.7.1", r"relay\w* (?:\w+ ){0,2}(?:denied|not permitted)|spam|blocked|blacklist|policy"),
    )
)
