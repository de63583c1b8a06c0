"""The phrases in German."""

from __future__ import annotations

from postrail.notifications.phrases.phrases import Phrases

GERMAN = Phrases(
    language="de",
    colon=": ",
    full_stop=".",
    space=" ",
    comma=", ",
    decimal_point=",",
    units=("Bytes", "KB", "MB", "GB"),
    marker="Bitte antworten Sie oberhalb dieser Zeile",
    internal_marker="Intern: Bitte antworten Sie oberhalb dieser Zeile",
    greeting="Guten Tag {name},",
    greeting_of_all="Guten Tag,",
    unknown_sender="Ein unbekannter Absender",
    help_desk="Der Helpdesk",
    received="Ihre Nachricht ist bei uns angekommen und hat die Nummer {key}",
    received_title="Ihre Nachricht ist bei uns angekommen",
    you_wrote="Sie schrieben:",
    commented="{author} hat {key} kommentiert",
    commented_internally="{author} hat {key} intern kommentiert",
    outside=(
        "{author} ist an {key} nicht beteiligt, darum erfahren es nur Mitglieder des Projekts. Um"
        " den Kommentar anzunehmen und den Verfasser zu beteiligen, führen Sie aus: {command}"
    ),
    assigned="{author} hat Ihnen {key} zugewiesen",
    assigned_to_other="{author} hat {key} an {assignee} zugewiesen",
    opened="{author} hat {key} eröffnet",
    opened_for_assignee="{author} hat {key} eröffnet und Ihnen zugewiesen",
    opened_for_reporter="{author} hat {key} für Sie eröffnet",
    status_changed="{author} hat {key} auf „{status}“ gesetzt",
    mentioned="{author} hat Sie in {key} erwähnt",
    bundled="Es gibt Neues zu {key}",
    account_created="Sie haben uns zum ersten Mal geschrieben, darum kennen wir jetzt {address}",
    account_created_title="Wir kennen jetzt Ihre Adresse",
    account_created_note=(
        "Sie brauchen kein Passwort: Schreiben Sie uns einfach von dieser Adresse, und antworten"
        " Sie auf unsere E-Mails. Falls Sie uns nicht geschrieben haben, ignorieren Sie diese"
        " E-Mail."
    ),
    rejection="Ihre Nachricht wurde nicht angenommen",
    rejection_title="Ihre Nachricht wurde nicht angenommen",
    rejection_reason=(
        "Diese Adresse nimmt keine Nachrichten von Ihrer an. Niemand hat Ihre Nachricht gelesen."
    ),
    approval_request="{author} bittet Sie um eine Entscheidung",
    approval_reminder="{author} wartet noch auf Ihre Entscheidung",
    approval_answer="Antwort {number}: {choice}",
    approval_how=(
        "Um zu entscheiden, antworten Sie auf diese E-Mail. Beginnen Sie mit den Worten nach dem"
        " Doppelpunkt oder nur mit der Nummer; was Sie danach schreiben, ist Ihr Kommentar."
    ),
    approval_comment="Eine Ablehnung braucht einen Kommentar mit dem Grund.",
    approval_only="Nur Sie werden gefragt.",
    approval_any="Die erste Antwort entscheidet; {count} Personen werden gefragt.",
    approval_all=(
        "Alle {count} gefragten Personen müssen zustimmen; die erste Ablehnung entscheidet."
    ),
    approval_count="Von {count} gefragten Personen müssen {needed} zustimmen.",
    approval_order=(
        "Nacheinander werden {count} Personen gefragt; alle müssen zustimmen, und die erste"
        " Ablehnung entscheidet."
    ),
    approval_until="Ihre Antwort zählt, wenn sie vor {time} eintrifft.",
    approval_expires="Danach verfällt die Anfrage.",
    approval_rejects="Danach gilt die Anfrage als abgelehnt.",
    approval_escalates="Danach werden andere Personen gefragt.",
    approval_files="Angehängt",
    approval_help="Ihre Antwort hat nichts entschieden",
    approval_unclear=(
        "Sie beginnt mit keiner der vorgesehenen Antworten, oder die Worte danach lassen offen, was"
        " gemeint ist."
    ),
    approval_no_comment=(
        "Eine Ablehnung braucht einen Kommentar mit dem Grund, und Ihre Antwort hat keinen."
    ),
    approval_late="Sie kam zu spät: Antworten zählten bis {time}.",
    approval_over="Die Anfrage ist inzwischen beendet und braucht keine Antwort mehr.",
    approval_answered=(
        "Eine Antwort von Ihnen zählt bereits und lässt sich per E-Mail nicht ändern."
    ),
    approval_not_asked="Sie werden nicht mehr oder noch nicht gefragt.",
    approval_other_sender=(
        "Sie kam von {address}. Nur die gefragte Person kann antworten, und zwar von der Adresse,"
        " an die unsere E-Mail ging."
    ),
    approval_other_address=(
        "Sie ging nicht an die Adresse für Antworten. Antworten Sie auf unsere E-Mail selbst."
    ),
    approval_unverified=(
        "Es ließ sich nicht prüfen, ob sie wirklich von Ihnen kam. Senden Sie sie aus Ihrem"
        " gewohnten E-Mail-Programm, oder wenden Sie sich an die Person, die Sie gefragt hat."
    ),
    approval_several="Sie nennt mehrere Anfragen. Antworten Sie auf jede mit einer eigenen E-Mail.",
    approval_forwarded=(
        "Sie sieht wie eine weitergeleitete E-Mail aus. Antworten Sie auf unsere E-Mail selbst."
    ),
    approval_approved="Ihre Anfrage wurde genehmigt",
    approval_rejected="Ihre Anfrage wurde abgelehnt",
    approval_chosen="Ihre Anfrage hat eine Antwort, {choice}",
    approval_rejected_late=(
        "Ihre Anfrage gilt als abgelehnt, denn niemand hat rechtzeitig entschieden"
    ),
    approval_expired="Ihre Anfrage ist verfallen, denn niemand hat rechtzeitig entschieden",
    approval_undecided="Ihre Anfrage endet ohne Entscheidung: Keine Wahl hat genug Antworten",
    approval_taken_back="Ihre Anfrage wurde zurückgezogen",
    approval_withdrawn="Eine Anfrage an Sie wurde zurückgezogen",
    approval_reassigned="An Ihrer Stelle entscheidet jetzt eine andere Person",
    approval_nothing_to_do="Sie brauchen nicht mehr zu antworten.",
    digest="Ihr Tag in {project}",
    forwarding="{by} sendet Ihnen diese Nachricht; sie ist angehängt, wie sie empfangen wurde.",
    telling="{by} meldet Ihnen diese Nachricht.",
    became_issue="Daraus wurde der Vorgang {key}.",
    became_comment="Daraus wurde ein Kommentar zu {key}.",
    became_nothing="Daraus wurde weder ein Vorgang noch ein Kommentar.",
    became_quarantined="Sie ist in Quarantäne und hat keine Wirkung, bis eine Person sie freigibt.",
    became_failed="Sie konnte nicht verarbeitet werden.",
    became_other="Das Ergebnis ist: {outcome}.",
    reason="Grund",
    see_more="So sehen Sie mehr davon: {command}",
    original_left_out=(
        "Das Original ist zu groß für diese E-Mail. Es wird aufbewahrt; so sehen Sie es: {command}"
    ),
    error_notice="{project} braucht Ihre Aufmerksamkeit",
    undelivered="Eine E-Mail zu {key} wurde nicht zugestellt",
    undelivered_to="Sie war für {recipient}. Die Antwort des Mailservers:",
    see_undelivered="So sehen Sie die E-Mail: {command}",
    retry_undelivered="So senden Sie sie noch einmal: {command}",
    unreachable="Niemand erhält die E-Mails zu {key}",
    unreachable_only=(
        "Der einzige Empfänger ist {recipient}; an diese Adresse wird nicht mehr geschrieben:"
    ),
    release_address="So geben Sie die Adresse wieder frei: {command}",
    held="Benachrichtigungen zu {key} warten",
    held_because="Jemand muss sie freigeben:",
    see_held="So sehen Sie sie: {command}",
    release_held="So werden sie gesendet: {command}",
    not_followed="{issue} folgt der Entscheidung von {key} nicht",
    not_followed_because="Die Entscheidung bleibt, wie sie ist. Der Grund:",
    see_approval="So sehen Sie die Anfrage: {command}",
    nobody_in_time="Niemand hat rechtzeitig entschieden.",
    unavailable="Die ausgehende Verbindung {name} ist nicht verfügbar",
    unavailable_since="Seit {time} kann darüber nichts gesendet werden:",
    unavailable_waits=(
        "Was darüber gehen soll, wartet und wird gesendet, sobald der Server wieder antwortet."
    ),
    unavailable_instead="Bis der Server antwortet, gehen die E-Mails über {fallback}.",
    test_connection="So suchen Sie die Ursache: {command}",
    sender="Von",
    subject="Betreff",
    no_subject="keiner",
    mailbox="Postfach",
    message="Nachricht",
    your_message="Ihre Nachricht",
    no_text="(Die Nachricht enthält keinen Text.)",
    only_pictures="(Die Nachricht enthält keinen Text, nur Bilder: {names})",
    only_files="(Die Nachricht enthält keinen Text, nur Dateien: {names})",
    invitation="(Die Nachricht ist eine Einladung: {summary})",
    too_large=(
        "(Die Nachricht war zu groß, um gelesen zu werden: {size}. Betreff und Absender sind"
        " angekommen; für Dateien dieser Größe nennen wir Ihnen gern einen anderen Weg.)"
    ),
    cut="[… Das ist nur der Anfang; der ganze Text steht in {key}.]",
    earlier="Frühere Kommentare:",
    internal="intern",
    too_long_to_quote="[Dieser Kommentar ist zu lang für ein Zitat; er steht in {key}.]",
    hint_reply="Um etwas hinzuzufügen, antworten Sie einfach auf diese E-Mail.",
    hint_internal=(
        "Dieser Kommentar und alle Antworten auf diese E-Mail sind intern: Außenstehende sehen sie"
        " nicht."
    ),
    open_issue="{key} öffnen",
    decide="Jetzt entscheiden",
    why_wrote="Sie erhalten diese E-Mail, weil Sie uns geschrieben haben.",
    why_watches="Sie erhalten diese E-Mail, weil Sie {key} beobachten.",
    why_assigned="Sie erhalten diese E-Mail, weil {key} Ihnen zugewiesen ist.",
    why_reporter="Sie erhalten diese E-Mail, weil {key} für Sie eröffnet wurde.",
    why_mentioned="Sie erhalten diese E-Mail, weil ein Kommentar Sie erwähnt.",
    why_project="Sie erhalten diese E-Mail, weil Sie {project} betreuen.",
    why_told="Sie erhalten diese E-Mail, weil {project} Sie laut Einstellungen darüber informiert.",
    why_digest=(
        "Sie erhalten diese E-Mail, weil Nachrichten zu {project} einmal am Tag an Sie gehen."
    ),
    why_named="Sie erhalten diese E-Mail, weil Ihre Adresse in den Einstellungen steht.",
    why_written_to="Sie erhalten diese E-Mail, weil eine Person sie Ihnen geschrieben hat.",
    why_approver="Sie erhalten diese E-Mail, weil {author} Sie um eine Entscheidung bittet.",
    why_delegate="Sie erhalten diese E-Mail, weil Sie für {name} entscheiden.",
    why_was_asked="Sie erhalten diese E-Mail, weil Sie um eine Entscheidung gebeten wurden.",
    why_requester="Sie erhalten diese E-Mail, weil die Anfrage von Ihnen kommt.",
    stop_watching=(
        "Wenn Sie keine E-Mails zu {key} mehr möchten, schreiben Sie uns das in einer Antwort."
    ),
    unsubscribe=(
        "Um keine E-Mails zu {key} mehr zu erhalten, senden Sie eine leere E-Mail an {address}"
    ),
    stop_asking="Um das zu ändern, wenden Sie sich an den Administrator von {project}.",
    stop_none="Es folgt keine weitere E-Mail dazu.",
)
