"""The words of automatic replies, in the languages of mail programs."""

from __future__ import annotations

from services.parser.text.word_patterns import Words

# At the beginning of a subject.
_TITLE = (
    r"[\[(*]*(?:"
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
    r"|răspuns automat|αυτόματη απάντηση|(?:תשובה|מענה) אוטומטית?|(?:ال)?رد (?:ال)?تلقائي"
    r"|автоматичен отговор|automatski odgovor|аутоматски одговор|samodejni odgovor"
    r"|automaatvastus|automatinis atsakymas|resposta automàtica|sjálfvirkt svar"
    r"|(?:การ)?ตอบกลับอัตโนมัติ|(?:thư )?trả lời tự động|balasan (?:otomatis|automatik)"
    r"|پاسخ خودکار|स्वचालित उत्तर|ikke til ?stede"
    r")"
)
# The endings of the words above, in scripts with letters.
_ENDING = r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Hebrew}\p{Arabic}\p{Thai}]*"
# A program continues with the subject that it answers, a date, a name, or not at all. People
# continue with a sentence: "Out of office schedule", "Automatic reply does not work".
AUTOMATIC_SUBJECT = Words(
    rf"{_TITLE}{_ENDING}"
    r"(?: (?:auto-?)?(?:reply|response|notice|notification|message))?"
    r"(?:[^:：]{0,80}[:：]|[^\pL\pN]*(?:$|[\d(\[\-–—|]"
    r"|(?:until|till|from|to|for|re|starting|returning|bis|vom|von|au|du|jusqu|hasta|fino|tot)\b))"
)
# Lotus Notes: a person's name, followed by one of these.
NAMED_ABSENCE_SUBJECT = Words(
    r".{2,80} (?:is out of the office|ist (?:außer haus|nicht im (?:büro|haus))"
    r"|est absent(?:\(e\)|e)?|è fuori (?:ufficio|sede)|está (?:fuera de la oficina|ausente)"
    r"|is niet (?:op kantoor|aanwezig)|está fora do escritório)\.?(?: \(.{1,80}\))?$"
)
# The first sentence of a program's reply.
AUTOMATIC_TEXT = Words(
    r"this is an? (?:auto(?:mated|matic)|auto-?generated|automatically generated|auto) "
    r"(?:e-?mail )?(?:reply|response|answer|acknowledge?ment)|this is an auto-?(?:reply|response)"
    r"|dies ist eine automatisch(?:e| \w+) (?:antwort|abwesenheit)"
    r"|ceci est une réponse automatique|esta es una respuesta automática"
    r"|esta é uma resposta automática|questa è una risposta automatica"
    r"|dit is een automatisch antwoord"
)
# People write these, too: they count only together with another signal.
ABSENCE_SUBJECT = Words(
    r"\bvacation\b|\babsen[ct]|\babwesen|\burlaub|\bausente|\bausência|\bassente|\bafwezig"
    r"|\bnieobecn"
    rf"|^{_TITLE}"
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
