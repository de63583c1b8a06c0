"""The words of bounces: subjects and sentences, in the languages of mail servers."""

from __future__ import annotations

from services.parser.text.word_patterns import Words

# The local parts of the addresses from which mail delivery programs write.
MACHINES = frozenset({"mailer-daemon", "mailerdaemon", "mailer_daemon", "mail-daemon"})
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
    r"|non (?:remis|distribu|délivr|livr)|n['’]a pas (?:pu [êe]tre|[ée]t[ée]) "
    r"(?:remis|distribu|d[ée]livr|envoy|livr)"
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
    r"|kézbesíthetetlen|nem (?:sikerült )?kézbesít|teslim edileme|iletilemedi|gönderilemedi"
    # Russian, Ukrainian
    r"|не (?:\w+ ){0,2}доставлен|недоставлен|невозможно доставить|ошибка доставки"
    r"|не удалось доставить|не може бути доставлен|не удается доставить"
    r"|не удалось выполнить доставку"
    r"|не удаётся доставить|(?:неможливо|не вдалося) доставити|не може да бъде доставен"
    r"|не (?:\w+ ){0,2}доставен|недоставен"
    # The other languages of Exchange
    r"|neb[oy]l\w* (?:\w+ )?doručen|nije (?:\w+ )?(?:isporučen|dostavljen)|ni (?:\w+ )?dostavljen"
    r"|nije uspela isporuka|no s['’]ha pogut lliurar|no lliurat|gagal (?:ter|di)kirim"
    r"|ulaştırılamad|لم يتم (?:ال)?تسليم|nem (?:\w+ )?kézbesít|nu s-a putut livra"
    r"|det går inte att leverera|toimittaminen (?:\w+ )?epäonnistui|nedoručiteľn"
    r"|doručenie (?:\w+ )?zlyhal"
    r"|δεν (?:είναι δυνατή|ήταν δυνατή|παραδόθηκε)|nu (?:a|au) (?:putut fi|fost) livrat"
    r"|imposibil de livrat"
    r"|nije (?:moguće|isporučen)|neisporuč|ni (?:bilo )?mogoče dostaviti|nedostavljiv"
    r"|kohaletoimetamata"
    r"|pole võimalik (?:edastada|kohale)|nevar piegādāt|nepiegādā|nepavyko pristatyti|nepristat"
    r"|לא ניתן למסירה|לא נמסרה|לא ניתן למסור|تعذر (?:ال)?تسليم|غير قابل للتسليم"
    r"|ไม่สามารถ(?:ส่ง|นำส่ง)"
    r"|không thể (?:gửi|chuyển)|tidak (?:dapat|bisa|terkirim)"
    # Japanese, Chinese, Korean
    r"|配信不能|配信できません|送信できません|配送できません|未配信|エラーメール|配達できません|届きませんでした"
    r"|退信|未送达|无法送达|傳遞失敗|传递失败|投递失败|投遞失敗|無法傳遞|无法传递|无法投递|無法投遞|无法送达|未能送达|被退回|被拒收"
    r"|배달 못|배달되지|전송 실패|반송|전달되지|전송되지"
)
# The server goes on trying.
_RETRIED = (
    r"still being retried|will be retried|not yet been delivered|this is a warning message only"
    r"|delivery (?:attempts )?will (?:continue|be retried)|warning only|mail delivery warning"
    r"|(?:we|i|it|server|system|software|program) (?:will|is going to|shall)"
    r" (?:\w+ ){0,3}(?:retry|try(?:ing)?|attempt\w*)\b"
    r"|(?:we|i|it)['’]ll (?:\w+ ){0,3}(?:retry|try(?:ing)?)\b|will (?:keep"
    r"|continue) (?:trying|to try)"
    r"|will retry|(?:keep|continue|still) (?:trying|retrying)|attempts? will continue"
    r"|retried (?:until|for|every)|not (?:need|have) to re-?send"
    r"|delivery status notification \(delay\)|no action is required on your part"
    # German, French, Spanish, Portuguese, Italian, Dutch. Sentences that ask the sender to try
    # again are about failures.
    r"|noch nicht (?:\w+ ){0,3}zugestellt|weiterhin (?:zu )?(?:versuch|zustell)|versucht es weiter"
    r"|w(?:ird|erden) (?:\w+ ){0,4}erneut (?:zu )?(?:versuch|zustell)|weitere zustellversuche"
    r"|pas encore (?:été|pu)|nouvelles tentatives|(?:sera|nous) réessa|réessaiera"
    r"|continuer(?:a|ont|ons) (?:d['’]|à )?(?:essa|tent)|(?:aún|todavía) no (?:se )?(?:ha|pudo)"
    r"|se volverá a intentar|segui(?:rá|remos)\w* intentando|se reintentará|ainda não (?:foi|pôde)"
    r"|continuar(?:á|emos|ão)? (?:a )?tentando|novas tentativas|tentará novamente"
    r"|non è (?:stato )?ancora|ulteriori tentativi|riprover(?:à|emo)"
    r"|nog niet (?:\w+ ){0,2}(?:bezorg|aflever)|wordt opnieuw geprobeerd|blij(?:ft|ven) proberen"
    # Swedish, Danish, Norwegian, Finnish, Polish, Czech, Hungarian, Turkish
    r"|ännu inte (?:kunnat )?lever|försöker igen|fortsätter (?:att )?försök|(?:endnu|ennå) ikke"
    r"|(?:prøver|forsøger) igen|prøver igjen|yritetään uudelleen|ei (?:ole )?vielä"
    r"|jeszcze nie (?:\w+ )?dostarcz|kolejne próby|(?:dosud|zatím) ne(?:byl|do)|další pokusy"
    r"|további kísérletek|még nem (?:\w+ )?(?:kézbes|siker)|(?:yeniden|tekrar) denenecek"
    r"|henüz (?:\w+ )?(?:teslim|iletil)"
    # Russian, Ukrainian, Japanese, Chinese, Korean
    r"|(?:еще|ещё|ще) не (?:\w+ ){0,2}доставлен|повторные попытки|продолж\w* попыт|будет повтор"
    r"|попытки (?:\w+ )?(?:будут|продолж)|再送(?:を(?:試|行|続)|し(?:ます|続))"
    r"|再試行(?:し|され)ます"
    r"|まだ配(?:信|送)|将(?:会|继续|自动)?重试|將(?:會|繼續|自動)?重試|继续尝试|繼續嘗試"
    r"|尚未(?:送|投|傳|传)|다시 시도(?:할|합니다)|재시도(?:할|합니다)"
)
_LATE = (
    rf"{_RETRIED}"
    r"|(?:deliver\w*|message|mail|e-?mail) (?:\S+ ){0,6}(?:delayed|postponed|deferred)"
    r"|delayed (?:mail|delivery|message)"
    r"|temporary (?:\w+ ){0,2}(?:problem|failure|error|difficult)|temporarily"
    r"|verzögert|verzögerung|retardé|en retard|retrasad|atrasad|in ritardo"
    r"|vertraagd|försenad|forsinket|opóźnion|zpožděn|задержан|отложен|задержив|遅延|延迟|延遲|지연"
)
SUBJECT = Words(
    rf"{_NOT_DELIVERED}|{_LATE}|\bbounced?\b|mail (?:system )?error"
    r"|mail delivery (?:system|problem)"
    r"|address not found|permanent (?:delivery )?(?:error|failure)|warning: (?:message|could not)"
    r"|processing error|delivery notification|mail could not|return(?:ed|ing) (?:mail|message)"
)
# Before the subject of a forwarded message; a server that returns one writes its own subject.
FORWARDED_SUBJECT = Words(
    r"(?:(?:re|aw|sv|antw|res?p?|odp|ynt|vs) ?: ?)*(?:fwd?|wg|tr|rv|enc|doorst|pd|vb|vl|i|fs"
    r"|vid|ilt|пересл\w*|転送|转发|轉寄|전달) ?[:：]|\[fwd: "
    r"|(?:re|aw|sv|antw|resp|odp) ?: ?(?:undeliver|unzustell|delivery|mail delivery|unable"
    r"|returned mail|failure notice|non remis|onbestelbaar)"
)
# People ask and greet; a mail server's notice does not.
PERSONAL = Words(
    r"[?？]|\b(?:i|i'm|i've|my|me|us|our|can you|could you|regards|cheers|thanks|thx|colleagues?"
    r"|team|ich|mir|mein|meine[nmrs]?|wir|unsere?[nmrs]?|danke|hallo|bonjour|je|nous|notre|merci"
    r"|cordialement|hola|gracias|saludos|nuestr[oa]s?|grazie|saluti|ciao|nostr[oaie]|obrigad[oa]"
    r"|groet(?:en)?|bedankt|wij|ons|onze|pozdrawiam)\b|cześć|dziękuj|děkuj|zdravím|köszön|üdvöz"
    r"|viele grüße|mit freundlichen|здравствуйте|спасибо|с уважением|よろしく|谢谢|謝謝|您好|감사"
)
# A report of success by a mail system. In other languages a negation may stand anywhere; there,
# servers that report success also give the action.
DELIVERED = Words(
    r"success(?:fully)? (?:\w+ )?(?:delivered|relayed)|\((?:success|relay|delivered)\)"
    r"|(?:was|were|has been|have been) (?:successfully )?(?:delivered|relayed)"
    r"|^(?:delivered|relayed|zugestellt|remis|entregado|entregue|recapitato|bezorgd) ?:"
)
NOT_DELIVERED = Words(
    r"\bnot\b|n['’]t\b|fail|undeliver|unable|error|reject|problem|delay|\bnicht\b|\bno se\b"
    r"|\b(?:non?|niet|pas)\b|não"
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
    r"|host (?:unknown|not found)|name or service not known|unrouteable|unroutable"
    r"|relaying denied"
    r"|not listed in|gave (?:this|the) error|remote (?:host|server) (?:said|returned|response)"
    r"|deliver\w* (?:\w+ ){0,4}(?:stopped|blocked|refused)"
    r"|did not reach the following|undeliverable to|problem delivering|unsuccessful"
)
DELAY = Words(_LATE)
RETRIED = Words(_RETRIED)
# The server has given up, although its notice may mention a delay.
FINAL = Words(
    r"(?:gave|given|giving) up|permanent(?:ly)? (?:\w+ ){0,2}(?:error|fail|reject|refus|fatal)"
    r"|not (?:going to|be|been) (?:try|tried|retr)|no (?:further|more) (?:\w+ )?(?:attempt|tr"
    r"|retr)"
    r"|final(?:ly)? (?:fail|error|attempt)|undeliver|(?:message|mail) (?:was|has been|is) "
    r"(?:deleted|removed|returned|bounced)|returned (?:mail|to sender)"
    r"|deleted from (?:the )?queue"
    r"|(?:delivery|mail) (?:time |has |status )?(?:fail|expired)|failure notice|timeout exceeded"
    r"|retry (?:time|limit)\w* (?:\w+ )?exceed|too long"
    r"|(?:could not|cannot) (?:be )?(?:send|sent|deliver\w*) (?:\w+ )?(?:for|after|in) \w+ days?"
    r"|(?:max\w*|too many) (?:\w+ )?(?:retries|attempts)"
    r"|unzustellbar|endgültig|aufgegeben|dauerhaft|définitiv|abandonn|definitiv|permanente"
)
# It says so by a negation of the words above.
GIVEN_UP = Words(
    r"(?:not|n['’]t|stop\w*|no longer|never) (?:continue |keep |be |going )?(?:to )?"
    r"(?:trying|try|tried|retr\w+)\b|no (?:further|more) (?:\w+ )?attempt|keine weiteren"
    r"|nicht (?:mehr|weiter) versuch|n['’]essa\w+ plus|aucune autre tentative|no se volverá"
    r"|não (?:vamos|iremos|haverá|serão)|nessun altro tentativo|больше не"
)
# An address behind such words is to be asked, and did not fail.
CONTACT = Words(
    r"contact|assistance|for (?:\w+ )?(?:help|support)|questions?\b|please (?:send|write|forward"
    r"|e-?mail|mail|call|visit|use)|report (?:this|it|to)|(?:write|talk|speak|complain|reply) to"
    r"|wenden sie sich|kontakt|rückfragen|contactez|adressez|diríjase|póngase|contatt|contate"
    r"|обрати|お問い?合わ|联系|聯繫|문의"
)
# What stands before an address that sent the message, or that sends the notice.
SENDER_LABEL = Words(
    r"^b?cc$|from|sender|reply-?to|return-?path|message-?id|errors?-to|\bby\b|\bmta\b|server|contact"
    r"|admin|support|help|postmaster|von|absender|expéditeur|de la part|remitente"
    r"|mittente"
    r"|remetente|отправител|от кого|差出人|送信者|发件|寄件|發件|보낸"
)
# The line above the returned message.
RETURNED_MAIL = Words(
    r"(?:below (?:this|the next) line|this|here|following|attached|included|below) (?:is|are) "
    r"(?:a |the |your |first )?(?:copy|returned|original|undelivered|header|message)"
    r"|-{3,} ?(?:the )?(?:\w+ ){0,3}(?:original|returned|unsent|undelivered|rejected|copy|body"
    r"|header|message (?:follow|text|header|body|below|starts))"
    r"|original message (?:follows|headers?|text)|message (?:text|headers?) follows?"
    r"|headers? of (?:the|your) (?:\w+ )?(?:message|mail) follow"
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
            "5.2.1",
            r"(?:account|mailbox) (?:\w+ ){0,4}(?:disabled|inactive|suspended|discontinued"
            r"|deactivated)",
        ),
        (
            "5.2.2",
            r"(?:mailbox|inbox|quota) (?:\w+ ){0,3}(?:full|exceed)|over ?quota"
            r"|exceed\w* .{0,40}quota",
        ),
        (
            "5.3.4",
            r"(?:message|mail) (?:\w+ ){0,3}(?:too (?:large|big)|size (?:\w+ )?exceed)"
            r"|exceed\w* .{0,40}size",
        ),
        ("5.7.1", r"relay\w* (?:\w+ ){0,2}(?:denied|not permitted)|spam|blocked|blacklist|policy"),
    )
)
