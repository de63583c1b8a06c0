"""The words with which mail programs report that a message was read, in Outlook's languages."""

from __future__ import annotations

from services.parser.text.word_patterns import Words

# At the beginning of a subject, before the subject of the message that was read.
READ_SUBJECT = Words(
    r"(?:(?:not |un)?read|read receipt|nicht gelesen|(?:un)?gelesen|(?:non )?lue?|(?:no )?leído"
    r"|(?:não )?lid[ao]s?|(?:non )?lett[oa]|(?:niet |on)?gelezen|(?:inte |o)?läst|(?:ikke |u)?læst"
    r"|(?:ikke |u)?lest|luettu|lukematta|(?:nie )?(?:prze|od)czytan[oey]|(?:ne)?přečten[oaý]"
    r"|(?:ne)?prečítané|elolvasva|olvasatlan|okun(?:du|madı)|(?:не )?проч(?:тен|итан)о"
    r"|(?:не )?прочитано|開封(?:済み)?|未開封|既読|(?:已|未)(?:读|讀取|讀)|(?:안 )?읽음|읽지 않음"
    r"|(?:δεν )?διαβάστηκε|αναγνώσθηκε|citit[ăe]?|прочетено|pročitano|prebrano|loetud"
    r"|izlasīts|perskaityta|נקרא[הו]?|مقروءة|تمت القراءة|đã đọc|อ่านแล้ว|dibaca) ?[:：]"
)
# What was done with the message; in several languages the bare word would be ambiguous.
READ = Words(
    r"\b(?:was|has been|were) (?:read|opened|displayed|deleted)\b"
    r"|\bgelesen\b|\bgeöffnet\b|ungelesen|\ba été (?:lue?|ouverte?|affichée?|supprimée?)\b"
    r"|\b(?:fue|ha sido|se) (?:leíd[oa]|leyó|abiert[oa]|elimin\w*)|\b(?:foi|foram) (?:lid[ao]s?"
    r"|abert[ao]|eliminad[ao]|excluíd[ao])|(?:è|e'|é) stat[oa] (?:lett[oa]|apert[oa]|eliminat[oa])"
    r"|\bgelezen\b|\b(?:har )?läst(?:s|es|a)?\b|\b(?:blev|er|ble|har) (?:blevet )?(?:læst|lest)\b"
    r"|\bluet(?:tu|tiin)\b|\b(?:prze|od)czytan[aoey]\b|\bpřečten|\bprečítan"
    r"|olvast|olvasva|\bokun(?:du|madan|muştur)\b|прочитан|прочтен|прочтён"
    r"|開封され|既読|読まれ|(?:阅|閱)(?:读|讀)|读取|讀取|읽었|읽음|읽혔|διαβάστηκε|αναγνώσθηκε"
    r"|\bcitit[ăe]?\b|прочетен|\bpročitan|\bprebran|\bloe(?:ti|tud)\b|lasīts|perskaity"
    r"|נקרא|قراءة|قُرئت|قرئت|đã (?:được )?đọc|อ่าน|\bdibaca\b"
)
# A receipt without fields of the message mentions at least the message.
MESSAGE = Words(
    r"message|\bmail|e-?mail|nachricht|bericht|mensaje|correo|mensagem|messaggio|meddel|melding"
    r"|besked|viesti|wiadomo|zpráv|správ|üzenet|ileti|сообщени|письм|повідомлен"
    r"|メッセージ|メール|邮件|郵件|消息|訊息|메시지|메일|μήνυμα|mesaj|съобщение|poruk|sporočil"
    r"|הודע|رسال|thư|ข้อความ|pesan"
)
