"""The phrases in French."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

from postrail.notifications.phrases.phrases import Phrases

# A line never ends before these, nor after the first one.
_NARROW = re.compile(r" (?=[:;!?»])|(?<=«) ")
_FIXED_SPACE = "\u00a0"


def _typeset(phrases: Phrases) -> Phrases:
    """Returns the phrases with fixed spaces at their punctuation, and with curved apostrophes."""
    given: dict[str, Any] = {}
    for one in fields(phrases):
        text = getattr(phrases, one.name)
        if isinstance(text, str):
            given[one.name] = _NARROW.sub(_FIXED_SPACE, text).replace("'", "’")
    return replace(phrases, **given)


_PLAIN = Phrases(
    language="fr",
    colon=" : ",
    full_stop=".",
    space=" ",
    comma=", ",
    decimal_point=",",
    units=("octets", "Ko", "Mo", "Go"),
    marker="Merci de répondre au-dessus de cette ligne",
    internal_marker="Interne : merci de répondre au-dessus de cette ligne",
    greeting="Bonjour {name},",
    greeting_of_all="Bonjour,",
    unknown_sender="Un expéditeur inconnu",
    help_desk="Le service d'assistance",
    received="Nous avons reçu votre message ; son numéro est {key}",
    received_title="Nous avons reçu votre message",
    you_wrote="Vous avez écrit :",
    commented="{author} a commenté {key}",
    commented_internally="{author} a commenté {key} en interne",
    outside=(
        "{author} ne participe pas à {key} : seuls les membres du projet sont informés. Pour"
        " accepter ce commentaire et laisser participer son auteur, exécutez : {command}"
    ),
    assigned="{author} vous a attribué {key}",
    assigned_to_other="{author} a attribué {key} à {assignee}",
    opened="{author} a ouvert {key}",
    opened_for_assignee="{author} a ouvert {key}, qui vous est attribué",
    opened_for_reporter="{author} a ouvert {key} pour vous",
    status_changed="{author} a passé {key} à l'état « {status} »",
    mentioned="{author} vous a mentionné dans {key}",
    bundled="Il y a du nouveau sur {key}",
    account_created=(
        "Vous nous avez écrit pour la première fois : nous connaissons maintenant {address}"
    ),
    account_created_title="Nous connaissons maintenant votre adresse",
    account_created_note=(
        "Aucun mot de passe n'est nécessaire : écrivez-nous depuis cette adresse et répondez à nos"
        " courriels. Si vous ne nous avez pas écrit, ignorez ce courriel."
    ),
    rejection="Votre message n'a pas été accepté",
    rejection_title="Votre message n'a pas été accepté",
    rejection_reason=(
        "Cette adresse n'accepte pas de messages de la vôtre. Personne n'a lu votre message."
    ),
    approval_request="{author} vous demande une décision",
    approval_reminder="{author} attend toujours votre décision",
    approval_answer="Réponse {number} : {choice}",
    approval_how=(
        "Pour décider, répondez à ce courriel. Commencez par les mots qui suivent les deux-points"
        " ou par le numéro seul ; ce que vous écrivez ensuite est votre commentaire."
    ),
    approval_comment="Un refus demande un commentaire qui en donne la raison.",
    approval_only="Vous êtes la seule personne consultée.",
    approval_any="La première réponse décide ; {count} personnes sont consultées.",
    approval_all=(
        "Il faut l'approbation des {count} personnes consultées ; le premier refus décide."
    ),
    approval_count="Il faut l'approbation de {needed} des {count} personnes consultées.",
    approval_order=(
        "L'une après l'autre, {count} personnes sont consultées. Il faut l'approbation de toutes"
        " ; le premier refus décide."
    ),
    approval_until="Votre réponse compte si elle arrive avant le {time}.",
    approval_expires="Ensuite, la demande expire.",
    approval_rejects="Ensuite, la demande est considérée comme refusée.",
    approval_escalates="Ensuite, d'autres personnes sont consultées.",
    approval_files="Pièces jointes",
    approval_help="Votre réponse n'a rien décidé",
    approval_unclear=(
        "Elle ne commence par aucune des réponses prévues, ou les mots qui suivent laissent un"
        " doute."
    ),
    approval_no_comment=(
        "Un refus demande un commentaire qui en donne la raison, et votre réponse n'en a pas."
    ),
    approval_late="Elle est arrivée trop tard : les réponses comptaient jusqu'au {time}.",
    approval_over="La demande est terminée entre-temps et n'attend plus de réponse.",
    approval_answered=(
        "Une réponse de votre part compte déjà et ne peut plus être changée par courriel."
    ),
    approval_not_asked="Vous n'êtes plus, ou pas encore, parmi les personnes consultées.",
    approval_other_sender=(
        "Elle venait de {address}. Seule la personne consultée peut répondre, depuis l'adresse à"
        " laquelle notre courriel a été envoyé."
    ),
    approval_other_address=(
        "Elle n'a pas été envoyée à l'adresse prévue pour les réponses. Répondez à notre courriel"
        " lui-même."
    ),
    approval_unverified=(
        "Il n'a pas été possible de vérifier qu'elle venait de vous. Envoyez-la depuis votre"
        " messagerie habituelle, ou adressez-vous à l'auteur de la demande."
    ),
    approval_several="Elle nomme plusieurs demandes. Répondez à chacune par un courriel distinct.",
    approval_forwarded=(
        "Elle ressemble à un courriel transféré. Répondez à notre courriel lui-même."
    ),
    approval_approved="Votre demande a été approuvée",
    approval_rejected="Votre demande a été refusée",
    approval_chosen="Votre demande a reçu une réponse, {choice}",
    approval_rejected_late=(
        "Votre demande est considérée comme refusée, car personne n'a décidé à temps"
    ),
    approval_expired="Votre demande a expiré, car personne n'a décidé à temps",
    approval_undecided="Votre demande se termine sans décision : aucun choix n'a assez de réponses",
    approval_taken_back="Votre demande a été retirée",
    approval_withdrawn="Une demande qui vous était adressée a été retirée",
    approval_reassigned="Une autre personne décide désormais à votre place",
    approval_nothing_to_do="Vous n'avez plus à répondre.",
    digest="Votre journée dans {project}",
    forwarding="{by} vous envoie ce message, joint tel qu'il a été reçu.",
    telling="{by} vous signale ce message.",
    became_issue="Il est devenu le ticket {key}.",
    became_comment="Il est devenu un commentaire sur {key}.",
    became_nothing="Il n'est devenu ni ticket ni commentaire.",
    became_quarantined="Il est en quarantaine, sans effet tant que personne ne l'a libéré.",
    became_failed="Il n'a pas pu être traité.",
    became_other="Son résultat est : {outcome}.",
    reason="Motif",
    see_more="Pour en voir plus, exécutez : {command}",
    original_left_out=(
        "L'original est trop volumineux pour ce courriel. "
        "Il est conservé ; pour le voir : {command}"
    ),
    error_notice="Un point demande votre attention dans {project}",
    undelivered="Un courriel sur {key} n'a pas été remis",
    undelivered_to="Il était destiné à {recipient}. La réponse du serveur de messagerie :",
    see_undelivered="Pour voir le courriel : {command}",
    retry_undelivered="Pour l'envoyer encore une fois : {command}",
    unreachable="Personne ne reçoit les courriels sur {key}",
    unreachable_only=(
        "Le seul destinataire est {recipient}, une adresse à laquelle on n'écrit plus :"
    ),
    release_address="Pour écrire de nouveau à cette adresse : {command}",
    held="Des notifications sur {key} attendent",
    held_because="Quelqu'un doit les libérer :",
    see_held="Pour les voir : {command}",
    release_held="Pour les envoyer : {command}",
    not_followed="{issue} ne suit pas la décision de {key}",
    not_followed_because="La décision reste telle quelle. La raison :",
    see_approval="Pour voir la demande : {command}",
    nobody_in_time="Personne n’a décidé à temps.",
    unavailable="La connexion sortante {name} est indisponible",
    unavailable_since="Rien ne peut être envoyé par elle depuis {time} :",
    unavailable_waits=(
        "Ses courriels attendent et partiront d'eux-mêmes dès que le serveur répondra."
    ),
    unavailable_instead="Ses courriels passent par {fallback} jusqu'à ce que le serveur réponde.",
    test_connection="Pour chercher la cause : {command}",
    sender="De",
    subject="Objet",
    no_subject="aucun",
    mailbox="Boîte",
    message="Message",
    your_message="Votre message",
    no_text="(Le message ne contient pas de texte.)",
    only_pictures="(Le message ne contient pas de texte, seulement des images : {names})",
    only_files="(Le message ne contient pas de texte, seulement des fichiers : {names})",
    invitation="(Le message est une invitation : {summary})",
    too_large=(
        "(Le message était trop volumineux pour être lu : {size}. Son objet et son expéditeur sont"
        " arrivés ; pour des fichiers de cette taille, demandez-nous un autre moyen.)"
    ),
    cut="[… Ceci n'est que le début ; {key} contient le texte entier.]",
    earlier="Commentaires précédents :",
    internal="interne",
    too_long_to_quote="[Ce commentaire est trop long pour être cité ; il se trouve dans {key}.]",
    hint_reply="Pour ajouter quelque chose, répondez simplement à ce courriel.",
    hint_internal=(
        "Ce commentaire et toutes les réponses à ce courriel sont internes : les personnes"
        " extérieures ne les voient pas."
    ),
    open_issue="Ouvrir {key}",
    decide="Décider maintenant",
    why_wrote="Vous recevez ce courriel parce que vous nous avez écrit.",
    why_watches="Vous recevez ce courriel parce que vous suivez {key}.",
    why_assigned="Vous recevez ce courriel parce que {key} vous est attribué.",
    why_reporter="Vous recevez ce courriel parce que {key} a été ouvert pour vous.",
    why_mentioned="Vous recevez ce courriel parce qu'un commentaire vous mentionne.",
    why_project="Vous recevez ce courriel parce que vous êtes responsable de {project}.",
    why_told="Vous recevez ce courriel car les réglages de {project} prévoient de vous informer.",
    why_digest=(
        "Vous recevez ce courriel parce que les nouvelles de {project} vous arrivent une fois"
        " par jour."
    ),
    why_named="Vous recevez ce courriel parce que votre adresse figure dans les réglages.",
    why_written_to="Vous recevez ce courriel parce qu'une personne vous l'a écrit.",
    why_approver="Vous recevez ce courriel parce que {author} vous demande une décision.",
    why_delegate="Vous recevez ce courriel parce que vous décidez pour {name}.",
    why_was_asked="Vous recevez ce courriel parce qu'une décision vous a été demandée.",
    why_requester="Vous recevez ce courriel parce que la demande vient de vous.",
    stop_watching="Pour ne plus recevoir de courriels sur {key}, demandez-le-nous en réponse.",
    unsubscribe=(
        "Pour ne plus recevoir de courriels sur {key}, envoyez un courriel vide à {address}"
    ),
    stop_asking="Pour changer cela, adressez-vous à l'administrateur de {project}.",
    stop_none="Il n'y aura pas d'autre courriel à ce sujet.",
)

FRENCH = _typeset(_PLAIN)
