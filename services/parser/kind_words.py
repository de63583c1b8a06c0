"""How automatic replies speak, in the languages that mail programs write."""

from __future__ import annotations

from services.parser.words import Words

# At the beginning of a subject, where a program puts it: enough by itself.
AUTOMATIC_SUBJECT = Words(
    r"(?:(?:re|aw|sv|fw|fwd): ?)?[\[(*]*(?:"
    r"out[ -]of[ -](?:the )?office|automatic reply|auto[ -]?reply|auto(?:mated|matic)?[ -]?response"
    r"|auto[ -]?responder|automated (?:reply|message)|vacation (?:reply|response|message|notice)"
    r"|i am (?:currently )?(?:out of (?:the )?office|on vacation|away)"
    r"|away from (?:my|the) (?:mail|desk|office)"
    r"|automatische (?:antwort|rückantwort|abwesenheit|beantwortung)|abwesenheits"
    r"|abwesend(?:: | bis)"
    r"|réponse automatique|(?:message|notification|avis) d['’]absence|absen(?:t|ce) du bureau"
    r"|respuesta automática|fuera de (?:la )?oficina|resposta automática|fora do escritório"
    r"|risposta automatica|fuori (?:sede|ufficio)|automatisch antwoord|afwezigheids|niet aanwezig:"
    r"|autoodpowied|odpowiedź automatyczna|automatyczna odpowied|автоответ|автоматический ответ"
    r"|автоматична відповідь|automatiskt svar|automatisk svar|autosvar|frånvaro|fravær"
    r"|automaattinen (?:vastaus|poissaolo)|poissa(?:olo| toimistosta)|automatická odpov"
    r"|nepřítomnost"
    r"|automatikus válasz|otomatik (?:yanıt|cevap)|ofis dışında|automatiska atbilde|automātisk"
    r"|自動応答|自動返信|自動回覆|自动答复|自动回复|不在通知|자동 ?(?:회신|응답)|부재 ?중"
    r"|răspuns automat|αυτόματη απάντηση|תשובה אוטומטית|رد تلقائي|автоматичен отговор"
    r")"
)
# What a program says of itself before anything else.
AUTOMATIC_TEXT = Words(
    r"this is an? (?:auto(?:mated|matic)|auto-?generated|automatically generated|auto) "
    r"(?:e-?mail )?(?:reply|response|answer|acknowledge?ment)|this is an auto-?(?:reply|response)"
    r"|dies ist eine automatisch(?:e| \w+) (?:antwort|abwesenheit)"
    r"|ceci est une réponse automatique|esta es una respuesta automática"
    r"|esta é uma resposta automática|questa è una risposta automatica"
    r"|dit is een automatisch antwoord"
)
# What people write too: only together with another mark.
ABSENCE_SUBJECT = Words(
    r"\bvacation\b|\babsen[ct]|\babwesen|\burlaub|\bausente|\bausência|\bassente|\bafwezig"
    r"|\bnieobecn"
    r"|отсутств|\booo\b|\bpoissa\b|\batvaļināj|отпуск|不在|外出|휴가|\bholiday|\bon leave\b"
)
ABSENCE = Words(
    r"(?:out of|away from|not in) (?:the |my )?office"
    r"|on (?:vacation|holiday|annual leave|maternity)"
    r"|will (?:be back|return) (?:on|in|by)|limited access to (?:my )?(?:e-?)?mail"
    r"|nicht im (?:büro|haus)|bin ich (?:\w+ ){0,4}(?:abwesend|im urlaub|nicht erreichbar)"
    r"|(?:suis|serai) (?:\w+ ){0,2}absent|en congé|fuera de la oficina|de vacaciones|de férias"
    r"|fuori (?:sede|ufficio)|in ferie|niet (?:op kantoor|aanwezig)|afwezig|urlopie|poza biurem"
    r"|в отпуске|вне офиса|semester|ferie|lomalla|dovolen|szabadság|izinde|atvaļinājum"
)
