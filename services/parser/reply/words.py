"""The words that mail programs write around a reply, by language: tables in lower case.

Languages are grouped in rows; a word that several share is in the first of their rows.
"""

from __future__ import annotations

from typing import Literal

from postrail.notifications.reply_marker import REPLY_MARKER
from services.parser.reply.lines import fold

Role = Literal["from", "date", "to", "cc", "subject", "other"]


def _words(text: str) -> list[str]:
    return fold(text).split()


# "wrote", as it ends an attribution.
WROTE = (
    # English, German, Dutch, French, Italian
    "wrote", "writes", "said", "schrieb", "geschrieben", "schreef",
    "heeft geschreven",
    "a écrit", "écrit", "a ecrit", "ha scritto", "scrisse", "scrive",
    # Spanish, Catalan, Portuguese, Romanian
    "escribió", "escribio", "escribe", "ha escrito", "va escriure", "escreveu", "a scris",
    # Swedish, Norwegian and Danish, Finnish, Icelandic, Estonian, Latvian, Lithuanian
    "skrev", "skriver", "skrev følgende", "kirjoitti", "skrifaði", "kirjutas", "rakstīja", "rašė",
    # Polish, Czech, Slovak, Slovenian, Croatian
    "napisał", "napisała", "napisał(a)", "pisze", "napsal", "napsala", "napsal(a)", "píše",
    "napísal", "napísala", "napísal(a)", "je napisal", "je napisala", "je napisal/-a",
    "je napisao", "je napisala", "je napisao/la", "napisao je",
    "napisala je", "piše", "je pisao", "је написао", "је написала", "је написао/ла",
    # Russian, Ukrainian, Bulgarian, Greek
    "написал", "написала", "написал(а)", "пишет", "писал", "писал(а)", "написав", "написала",
    "пише", "написа", "έγραψε",
    # Addressing the author: "Вы писали 12 марта 2024 г., 10:11:12:", as The Bat! does.
    "писали", "написали", "писала", "писав", "schrieben sie", "schriebst du", "schrieben",
    "pisałeś", "pisałaś", "pisał", "pisała", "escribiste", "escreveste", "hai scritto",
    # Hungarian, Turkish, Vietnamese, Indonesian
    "írta", "ezt írta", "yazdı", "şunu yazdı", "şunları yazdı", "şöyle yazdı", "đã viết", "menulis",
    # Arabic, Hebrew, Persian
    "كتب", "كتبت", "كتب/كتبت", "כתב", "כתבה", "כתב/ה", "נכתב על ידי", "نوشت",
)  # fmt: skip
# The same, but only before lines that are marked as quoted, since people write it, too.
SAID = frozenset({"said"})
# The same in scripts without spaces between words, after the author's name.
WROTE_UNSPACED = (
    "写道", "寫道", "来信", "のメール", "書きました", "書いた", "님이 작성한 메시지",
    "님이 작성", "작성", "쓴 글",
    "이(가) 작성", "님이 쓴", "เขียนว่า",
)  # fmt: skip
# Those that may also precede the name or the date: "Am 6. Mai schrieb Jo:".
WROTE_BEFORE_NAME = frozenset(
    _words(
        "schrieb schreef skrev skriver kirjoitti írta escribió escreveu написал написала пишет"
        " kirjutas yazdı"
    )
) | {"ezt írta", "skrev følgende"}
# Words before the name: "Quoting Jo <jo@example.org>:".
QUOTING = (
    "quoting ", "zitat von ", "citat från ", "citando a ", "citando ", "cita de ", "selon ",
    "mensaje citado por ", "citat fra ", "citaat van ", "цитирую ", "cytowanie ", "idézet ",
    "wiadomość napisana przez ", "missatge de ", "citeren ", "citeren van ", "цитирование ",
    "citace ", "quote ", "citation de ", "citazione di ", "citát ", "citerar ", "siteerata ",
)  # fmt: skip
# The first words of an attribution: "On Monday ...", "Am 6. Mai ...".
OPENERS = frozenset(
    _words(
        """
        on at from in am um vom den der le el il lo a em no op w dnia dne dňa dana på pe kl ma ti
        ke to la su lør søn mån tis ons tors fre tir man lun mar mer gio ven sab dom mié jue vie sáb
        seg ter qua qui sex jeu sam dim mo di mi do fr sa so mon tue wed thu fri sat sun pon wt śr
        czw pt sob niedz po út st čt pá ne пн вт ср чт пт сб вс в от pzt sal çar per cum cmt paz
        hét ked sze csüt pén szo vas στις fi în pada vào vp vr za zo wo sk tor tirs
        monday tuesday wednesday thursday friday saturday sunday
        montag dienstag mittwoch donnerstag freitag samstag sonntag
        lundi mardi mercredi jeudi vendredi samedi dimanche
        lunes martes miércoles jueves viernes sábado domingo
        maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
        понедельник вторник среда четверг пятница суббота воскресенье
        v на dl dt dc dj dv ds dg mán þri mið fim fös lau pada vào kuupäev
        jan feb apr may jun jul aug sep oct nov dec january february march april june july
        august september october november december 在 于 於 في בתאריך ב در"""
    )
)
# First words of an answer, with which no attribution begins.
ANSWERS = frozenset(
    _words(
        """
        ok okay yes yep nope done thanks thank thx cheers great sure danke ja nein passt merci oui
        non gracias sí obrigado obrigada sim não grazie sì dank bedankt nee tak takk tack nej
        kiitos dziękuję dzięki děkuji díky ano köszönöm igen teşekkürler evet hayır да нет спасибо
        hello hi hallo bonjour hola
        """
    )
)
# Parts of names in small letters, and words between the day and the name.
PARTICLES = frozenset(
    _words(
        "van von der den de di da do dos du del della la le al el bin ibn ten ter zu zur zum af av"
        " via hat has heeft ha a il y e és und and et i og och en odesílatel uživatel používateľ"
        " użytkownik пользователь користувач tarihinde saat saatlerinde dátummal időpontban oseba"
        " je ob klo kl om le das às a las los u ο/η"
    )
)
# A full stop behind these does not end a sentence.
ABBREVIATIONS = frozenset(
    _words(
        """
        dr mr mrs ms hr fr st jr sr co prof dipl ing mag inc ltd corp gmbh bros bzw usw etc dott
        sig kl std tel godz час g gada plkst
        janv févr avr juil sept déc ene abr ago dic fev mai set out dez gen giu lug ott okt märz
        jän maj lis gru sty lut kwi cze lip sie wrz paź янв февр мар апр июн июл авг сент окт нояб
        дек mrt mei máj márc ápr jún júl szept dec febr kov bře dub kvě čvn čvc srp zář říj led úno
        pro svi lip kol ruj stu pros ožu tra jan haz tem ağu eyl eki kas ara oca şub nis mayıs
        """
    )
)

# The fields of a header block.
_FROM = (
    "from", "von", "de", "da", "van", "od", "от", "від", "lähettäjä", "från", "fra", "feladó",
    "gönderen", "kimden", "kimden gönderildi", "差出人", "送信者", "发件人", "寄件者", "寄件人",
    "發件人", "보낸 사람", "보낸사람", "발신", "expéditeur", "remitente", "remetente", "mittente",
    "afzender", "absender", "nadawca", "odesílatel", "отправитель", "avsändare", "avsender",
    "afsender", "από", "מאת", "من", "de la", "saatja", "od koga", "šalje", "dari", "от кого",
    "reply-to", "từ", "nuo", "จาก", "از", "pošiljatelj",
)  # fmt: skip
_DATE = (
    "sent", "date", "sent on", "date sent", "gesendet", "datum", "gesendet am", "envoyé",
    "envoyé le", "envoye", "date d'envoi", "message du", "enviado", "enviado el", "enviado em",
    "enviada em", "enviada", "fecha", "data", "inviato", "data invio", "verzonden", "verstuurd",
    "wysłano", "data wysłania", "wysłane", "отправлено", "дата", "надіслано", "lähetetty",
    "päivämäärä", "pvm", "päiväys", "skickat", "sendt", "dato", "odesláno", "odoslané",
    "elküldve", "küldve", "dátum", "küldés ideje", "gönderildi", "gönderilme tarihi", "tarih",
    "送信日時", "日時", "日付", "送信日", "发送时间", "發送時間", "寄件日期", "时间", "時間",
    "日期", "发送日期", "傳送日期", "보낸 날짜", "날짜", "보낸날짜", "일시", "στάλθηκε",
    "ημερομηνία", "נשלח", "תאריך", "تاريخ", "تم الإرسال", "trimis", "изпратено", "saadetud",
    "poslano", "dikirim", "tanggal", "ngày", "gesendet von", "skickat den", "poslané",
    "envoyé à", "data/ora", "date/time", "enviat", "enviat el", "išsiųsta", "ส่ง", "วันที่",
    "ارسال شده", "تاریخ", "nosūtīts", "datums", "sent at", "gesendet um",
)  # fmt: skip
_TO = (
    "to", "an", "à", "a", "para", "aan", "do", "кому", "до", "vastaanottaja", "till", "til",
    "komu", "címzett", "kime", "alıcı", "宛先", "收件人", "收件者", "받는 사람", "받는사람", "수신",
    "destinataire", "destinatario", "destinatário", "destinatari", "pro", "προς", "אל", "إلى",
    "către", "adresat", "příjemce", "empfänger", "ontvanger", "mottagare", "mottaker", "modtager",
    "saaja", "za", "kepada", "đến", "per", "destinataires", "per a", "kam", "ถึง", "به",
)  # fmt: skip
_CC = (
    "cc", "bcc", "kopie", "copie", "copie à", "kopia", "kopio", "kopi", "kopija", "копия", "копія",
    "másolatot kap", "másolat", "bilgi", "抄送", "副本", "참조", "kopie an", "con copia", "cópia",
    "dw", "do wiadomości", "κοιν", "עותק", "نسخة", "blindkopie", "c.c",
)  # fmt: skip
_SUBJECT = (
    "subject", "betreff", "betr", "objet", "sujet", "asunto", "assunto", "oggetto", "onderwerp",
    "temat", "тема", "aihe", "otsikko", "ämne", "emne", "předmět", "predmet", "tárgy", "konu",
    "件名", "主题", "主題", "主旨", "제목", "θέμα", "נושא", "الموضوع", "subiect", "teema",
    "perihal", "subjek", "chủ đề", "tema", "zadeva", "относно", "เรื่อง", "موضوع", "temats",
)  # fmt: skip
_OTHER = (
    "importance", "wichtigkeit", "priorität", "priority", "importancia", "importância",
    "importance haute", "priorità", "prioriteit", "reply to", "antwort an", "répondre à",
    "organisation", "organization", "attachments", "anlagen", "pièces jointes", "bijlagen",
    "allegati", "adjuntos", "anexos", "załączniki", "вложения", "liitteet", "bilagor", "vedlegg",
    "添付ファイル", "附件", "첨부", "sent by", "message-id", "newsgroups", "categories", "bijlage",
    "sensitivity", "category", "mailed-by", "signed-by", "on behalf of",
)  # fmt: skip
_FIELDS: dict[Role, tuple[str, ...]] = {
    "other": _OTHER,
    "subject": _SUBJECT,
    "cc": _CC,
    "to": _TO,
    "date": _DATE,
    "from": _FROM,
}
FIELDS = {fold(name): role for role, names in _FIELDS.items() for name in names}

# "Original message", between dashes.
ORIGINAL = (
    "original message", "original email", "original e-mail", "original mail", "originalmessage",
    "reply message", "replied message", "quoted message", "previous message", "message history",
    "ursprüngliche nachricht", "ursprungliche nachricht", "originalnachricht", "original-nachricht",
    "urspr. nachricht", "original nachricht", "message d'origine", "message d\u2019origine",
    "message original", "message initial", "e-mail d'origine", "courriel original",
    "mensaje original", "mensaje originario", "correo original", "mensagem original",
    "messaggio originale", "messaggio originario", "oorspronkelijk bericht",
    "oorspronkelijke bericht", "origineel bericht", "oorspronkelijke e-mail",
    "wiadomość oryginalna", "oryginalna wiadomość", "wiadomość pierwotna", "wiadomość źródłowa",
    "исходное сообщение", "оригинальное сообщение", "исходное письмо", "оригинал сообщения",
    "первоначальное сообщение", "вихідне повідомлення", "alkuperäinen viesti",
    "alkuperäinen viesti", "ursprungligt meddelande", "originalmeddelande", "opprinnelig melding",
    "original melding", "oprindelig meddelelse", "oprindelig besked", "original meddelelse",
    "oprindelig e-mail", "původní zpráva", "puvodni zprava", "původní e-mail", "pôvodná správa",
    "eredeti üzenet", "eredeti e-mail", "orijinal ileti", "özgün ileti", "orijinal mesaj",
    "özgün mesaj", "asıl ileti", "元のメッセージ", "オリジナルメッセージ", "元のメール",
    "原始邮件", "原始郵件", "原邮件", "原始信件", "邮件原件", "回复的原邮件", "원본 메시지",
    "원본 메일", "원본메일", "original-mail", "izvorna poruka", "izvirno sporočilo",
    "mesaj original", "mesajul original", "оригинално съобщение", "αρχικό μήνυμα", "הודעה מקורית",
    "الرسالة الأصلية", "algne kiri", "tin nhắn gốc", "pesan asli", "missatge original",
)  # fmt: skip
# "Forwarded message", between dashes or (the longer forms) alone on a line before a colon.
FORWARDED = (
    "forwarded message", "forwarded email", "forwarded by", "begin forwarded message",
    "start of forwarded message", "forward message", "forwarding email",
    "weitergeleitete nachricht", "weitergeleitete mail", "anfang der weitergeleiteten nachricht",
    "anfang der weitergeleiteten e-mail", "weitergeleitet von", "weitergeleitet durch",
    "message transféré", "message transmis", "début du message transféré", "message réexpédié",
    "début du message réexpédié", "transféré par", "mensaje reenviado",
    "inicio del mensaje reenviado", "reenviado por", "mensagem encaminhada",
    "mensagem reencaminhada", "início da mensagem encaminhada",
    "início da mensagem reencaminhada", "encaminhado por", "messaggio inoltrato",
    "inizio messaggio inoltrato", "messaggio inoltrato da", "inoltrato da",
    "doorgestuurd bericht", "begin doorgestuurd bericht", "doorgestuurd door",
    "przekazana wiadomość", "wiadomość przekazana", "początek przekazywanej wiadomości",
    "przesłana wiadomość", "treść przekazanej wiadomości", "пересылаемое сообщение",
    "перенаправленное сообщение", "начало переадресованного сообщения", "пересланное сообщение",
    "начало пересылаемого сообщения", "переслане повідомлення", "välitetty viesti",
    "edelleenlähetetty viesti", "välitetty viesti alkaa", "vidarebefordrat meddelande",
    "vidarebefordrat brev", "vidarebefordrat mejl", "början på vidarebefordrat meddelande",
    "videresendt melding", "videresendt e-post", "videresendt meddelelse", "videresendt besked",
    "videresendt mail", "begynnelse på videresendt melding", "start på videresendt besked",
    "start på videresendt meddelelse", "přeposlaná zpráva", "přeposlaný e-mail",
    "začátek přeposlané zprávy", "přeposílaná zpráva", "preposlaná správa", "továbbított üzenet",
    "továbbított levél", "továbbított üzenet kezdete", "iletilmiş mesaj", "iletilen mesaj",
    "yönlendirilen mesaj", "iletilen ileti", "iletilmiş ileti başlangıcı", "転送メッセージ",
    "転送されたメッセージ", "転送されたメール", "转发的邮件", "转发邮件", "轉寄的郵件",
    "轉寄郵件", "转发信息", "被转发邮件信息", "开始转发的邮件", "전달된 메시지", "전달된 메일",
    "전달받은 메시지", "proslijeđena poruka", "mesaj redirecționat", "препратено съобщение",
    "προωθημένο μήνυμα", "הודעה שהועברה", "الرسالة المحوّلة", "missatge reenviat",
)  # fmt: skip
# Before a subject. "VS" is a Finnish reply, but forwards in Danish and Norwegian: fields decide.
FORWARD_PREFIXES = frozenset(
    _words(
        "fw fwd wg tr rv enc i doorst pd vb vl fs vid ilt továbbítás továbbított továbbit"
        " переслать пересл 転送 转发 轉寄 전달"
    )
)
FORWARD_OR_REPLY = "vs"

# Lines that ask to reply above them: first our own, then those of other programs.
MARKERS = (
    REPLY_MARKER, "type your reply above", "write your reply above",
    "respond above this line", "answer above this line", "reply above the line",
    "write above this line", "add your reply above", "type above this line",
    "antworten sie oberhalb dieser zeile", "antwort oberhalb dieser zeile",
    "oberhalb dieser zeile", "über dieser zeile", "ueber dieser zeile",
    "au-dessus de cette ligne", "au dessus de cette ligne", "por encima de esta línea",
    "encima de esta línea", "encima de esta linea", "arriba de esta línea",
    "acima desta linha", "acima dessa linha", "sopra questa riga", "al di sopra di questa riga",
    "sopra questa linea", "boven deze regel", "boven deze lijn", "powyżej tej linii",
    "nad tą linią", "выше этой строки", "выше этой линии", "над этой строкой", "над этой чертой",
    "tämän rivin yläpuolelle", "ovanför den här raden", "ovanför denna rad", "ovanför denna linje",
    "over denne linjen", "over denne linje", "nad tento řádek", "nad tímto řádkem",
    "nad túto čiaru", "e sor fölé", "a sor fölé", "bu satırın üstüne", "bu satırın üzerine",
    "bu çizginin üstüne", "この行より上", "この行の上", "この線より上", "在此行上方",
    "在此線上方", "在这一行上方", "此行以上", "此線上方", "이 줄 위", "이 선 위",
)  # fmt: skip
