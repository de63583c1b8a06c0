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
    approval_request="{author} vous demande une décision sur {key}",
    approval_note="Rien ne se passe avant votre décision.",
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
    stop_watching="Pour ne plus recevoir de courriels sur {key}, demandez-le-nous en réponse.",
    unsubscribe=(
        "Pour ne plus recevoir de courriels sur {key}, envoyez un courriel vide à {address}"
    ),
    stop_asking="Pour changer cela, adressez-vous à l'administrateur de {project}.",
    stop_none="Il n'y aura pas d'autre courriel à ce sujet.",
)

FRENCH = _typeset(_PLAIN)
