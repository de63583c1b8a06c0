"""The words by which people approve and reject, and make an answer doubtful, by language.

Pure. All are compared as `folded` makes them: `genehmigt` and `Genehmigt`, `não` and `nao` are one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceWords:
    """The words of a language that mean yes and no; messages suggest the first of each."""

    language: str
    approve: tuple[str, ...]
    reject: tuple[str, ...]


class OwnWords(Protocol):
    """The words that a setup has for a language; an empty list leaves the default ones."""

    @property
    def approve(self) -> Sequence[str]:
        """Returns the words that mean yes."""

    @property
    def reject(self) -> Sequence[str]:
        """Returns the words that mean no."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DoubtWords:
    """Words of a language that make an answer doubtful in the sentence that begins with it."""

    # Anywhere in the sentence of an approval, and right after a word of rejection.
    negations: tuple[str, ...]
    # Of these, the ones that take back what was said before, also in a sentence of their own.
    retractions: tuple[str, ...]
    conditions: tuple[str, ...]
    # Make an approval one for later, or only say that the message has come; a rejection stays one.
    delays: tuple[str, ...]
    # The word before is what the sentence is about: "Approved is only the first part".
    verbs: tuple[str, ...]
    # Before the person who has decided; followed by `oneself`, it is the author.
    agents: tuple[str, ...]
    oneself: tuple[str, ...]
    # Behind a "no" they may mean that nothing stands against it: "No. All good."
    assents: tuple[str, ...]


def folded(text: str) -> str:
    """Returns the text in small letters, in the usual forms and without accents."""
    parts = unicodedata.normalize("NFKD", text.replace("’", "'").casefold())
    plain = "".join(one for one in parts if not "\u0300" <= one <= "\u036f")
    return " ".join(unicodedata.normalize("NFKC", plain).split())


def words_of(
    languages: Iterable[str], own: Mapping[str, OwnWords] | None = None
) -> list[ChoiceWords]:
    """Returns the words of the languages, each once: the setup's own ones, or the default ones.

    A language that has neither is left out.
    """
    found = (
        _words_in(language, (own or {}).get(language)) for language in dict.fromkeys(languages)
    )
    return [words for words in found if words.approve or words.reject]


def _words_in(language: str, own: OwnWords | None) -> ChoiceWords:
    default = WORDS.get(language, ChoiceWords(language=language, approve=(), reject=()))
    if own is None:
        return default
    return ChoiceWords(
        language=language,
        approve=tuple(own.approve) or default.approve,
        reject=tuple(own.reject) or default.reject,
    )


def _words(language: str, approve: str, reject: str) -> ChoiceWords:
    return ChoiceWords(language=language, approve=_list(approve), reject=_list(reject))


def _list(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(","))


def folded_all(text: str) -> tuple[str, ...]:
    """Returns words and phrases as they are found in texts, whose words a hyphen parts."""
    return tuple(dict.fromkeys(folded(one.replace("-", " ")) for one in text.split(",")))


WORDS: Mapping[str, ChoiceWords] = {
    words.language: words
    for words in (
        _words(
            "en",
            "approve, approved, yes, yep, yeah, accept, accepted, agree, agreed, I approve, ok,"
            " okay",
            "reject, rejected, no, nope, deny, denied, decline, declined, refuse, refused,"
            " disapprove, disapproved, disagree, I reject, I decline, I refuse, I disagree,"
            " not approved, do not approve, I do not approve, don't approve, I don't approve",
        ),
        _words(
            "de",
            "genehmigt, genehmigen, ja, jawohl, zugestimmt, stimme zu, ich stimme zu,"
            " einverstanden, freigegeben, Freigabe erteilt, Genehmigung erteilt, ich genehmige,"
            " akzeptiert, ok, okay",
            "abgelehnt, ablehnen, nein, nö, nee, lehne ab, ich lehne ab, verweigert,"
            " nicht genehmigt, nicht einverstanden, nicht freigegeben, Genehmigung verweigert,"
            " Freigabe verweigert, keine Freigabe, keine Genehmigung",
        ),
        _words(
            "fr",
            "approuvé, approuver, oui, approuvée, j'approuve, accepté, acceptée, accepter,"
            " j'accepte, validé, validée, je valide, d'accord, ok, okay",
            "refusé, refuser, non, refusée, je refuse, rejeté, rejetée, rejeter, je rejette,"
            " pas d'accord, non approuvé, non approuvée, pas approuvé, désapprouvé",
        ),
        _words(
            "es",
            "aprobado, aprobar, sí, aprobada, apruebo, lo apruebo, aceptado, aceptada, aceptar,"
            " acepto, autorizado, autorizada, de acuerdo, ok, okay",
            "rechazado, rechazar, no, rechazada, rechazo, lo rechazo, denegado, denegada,"
            " denegar, no aprobado, no aprobada, no apruebo, no lo apruebo, no autorizado,"
            " no de acuerdo",
        ),
        _words(
            "pt",
            "aprovado, aprovar, sim, aprovada, aprovo, eu aprovo, aceito, aceite, aceitar,"
            " autorizado, autorizada, de acordo, ok, okay",
            "rejeitado, rejeitar, não, rejeitada, rejeito, eu rejeito, recusado, recusada,"
            " recusar, recuso, negado, negada, reprovado, reprovada, não aprovado, não aprovada,"
            " não aprovo, eu não aprovo, não autorizado, não autorizada",
        ),
        _words(
            "ja",
            "承認, 承認します, はい, 承認いたします, 承認致します, 承認しました, 承認する,"
            " 承認です, 承諾, 承諾します, 許可, 許可します, 賛成, 賛成です, 賛成します, ok",
            "却下, 却下します, いいえ, 却下いたします, 却下致します, 却下しました, 却下する,"
            " 却下です, 否認, 否認します, 拒否, 拒否します, 不承認, 不承認です, 不許可,"
            " 承認しません, 承認できません, 承認いたしません, 許可しません, 許可できません, 反対,"
            " 反対です, 反対します",
        ),
    )
}
# They also say that a message was understood: an answer of nothing else approves.
ALONE = folded_all("ok, okay, d'accord, de acuerdo, de acordo, はい")
# The end of their clause must follow, as after short words: "agree with Jo's doubts", "accept it as
# a risk" and "declined calls" approve or reject nothing.
STANDING = folded_all(
    "agree, agreed, accept, accepted, deny, denied, decline, declined, refuse, refused, disagree,"
    " I decline, I refuse, I disagree,"
    " jawohl, zugestimmt, akzeptiert, einverstanden, verweigert, genehmigen, ablehnen, accepté,"
    " acceptée, accepter, j'accepte, validé, validée, je valide, approuver, refuser, rejeter,"
    " aceptado, aceptada, aceptar, acepto, denegado, denegada, denegar, aprobar, rechazar,"
    " rechazo, autorizado, autorizada, aceito, aceite, aceitar, aprovar, rejeitar, recusar,"
    " recuso, negado, negada, reprovado, reprovada"
)
# Answers of programs for people who are absent say so: "Yes, thank you. I am on leave."
ABSENCES = folded_all(
    "am on leave, i'm on leave, be on leave, currently on leave, am on vacation, i'm on vacation,"
    " am on holiday, i'm on holiday, am out of office, am out of the office, i'm out of the office,"
    " currently out of the office, currently out of office, am away, i'm away, currently away,"
    " limited access to my email, automatic reply, im urlaub, bin abwesend, nicht im büro,"
    " außer haus, in elternzeit, automatische antwort, suis en congé, suis en congés, suis absent,"
    " suis absente, suis en vacances, réponse automatique, fuera de la oficina,"
    " estoy de vacaciones, estoy ausente, respuesta automática, estou de férias, estou ausente,"
    " fora do escritório, resposta automática, 不在, 休暇中, 自動返信, 自動応答"
)
# They may stand between a short word and the end of its sentence: "yes please".
POLITE = folded_all(
    "please, thanks, thank, you, thx, bitte, danke, dir, ihnen, merci, gracias, por, favor,"
    " obrigado, obrigada, sir, madam"
)
DOUBTS: Mapping[str, DoubtWords] = {
    "en": DoubtWords(
        negations=folded_all(
            "not, never, no, none, nothing, nobody, neither, nor, cannot, without, dont, cant,"
            " wont, isnt, doesnt, didnt, wasnt, shouldnt, wouldnt, couldnt, hardly, stop, cancel,"
            " veto"
        ),
        retractions=folded_all(
            "not, never, cannot, wait, no wait, oh no, stop, cancel, actually, oops,"
            " scratch that, i take that back, just kidding, correction, on second thought"
        ),
        conditions=folded_all(
            "but, if, unless, except, only, provided, providing, however, although, though,"
            " pending, subject to, assuming, conditional, conditionally, conditions, with changes,"
            " with minor changes, with small changes, with some changes, reservations, caveats,"
            " partially, partly, maybe, perhaps, probably, possibly, depends, depending,"
            " otherwise, instead, or, long as, in principle, whether, while, suppose, supposing"
        ),
        delays=folded_all(
            "once, when, whenever, until, till, after, before, wait, hold on, received, got it,"
            " got your, look at it, look into it, take a look, will check, out of office"
        ),
        verbs=folded_all(
            "is, are, was, were, be, been, has, have, had, will, would, should, could, can, may,"
            " might, must, shall, does, do, did, means, requires, needs"
        ),
        agents=folded_all("by"),
        oneself=folded_all("me, us, my, our, myself"),
        assents=folded_all(
            "no problem, no problems, no worries, no objection, no objections, all good, all fine,"
            " fine by me, fine with me, looks good, nothing to object, nothing against"
        ),
    ),
    "de": DoubtWords(
        negations=folded_all(
            "nicht, nie, niemals, kein, keine, keinen, keinem, keiner, keines, nichts, niemand,"
            " ohne, weder, kaum, stopp, stornieren, keinesfalls, keineswegs, lehne, ablehne, veto"
        ),
        retractions=folded_all(
            "nicht, nie, niemals, moment, nein warte, ach nein, stopp, halt, doch, quatsch, unsinn,"
            " scherz, korrektur"
        ),
        conditions=folded_all(
            "aber, wenn, falls, sofern, außer, nur, jedoch, allerdings, obwohl, vorausgesetzt,"
            " vorbehaltlich, bedingt, teilweise, vielleicht, eventuell, eigentlich,"
            " möglicherweise, wahrscheinlich, grundsätzlich, prinzipiell, sonst, ansonsten, oder,"
            " ob, solange, während, sondern, Vorbehalt, Auflage, Auflagen, Bedingung, Bedingungen,"
            " mit Änderungen, mit kleinen Änderungen, ausgenommen, je nach"
        ),
        delays=folded_all(
            "erst, sobald, bis, nach, nachdem, bevor, warte, warten, erhalten, angekommen,"
            " bekommen, schaue, schau, ansehen, anschauen, im Urlaub"
        ),
        verbs=folded_all(
            "ist, sind, war, waren, wäre, sein, hat, haben, hatte, wird, werden, wurde, würde,"
            " soll, sollte, sollen, muss, müssen, müsste, kann, können, könnte, darf, dürfen,"
            " will, wollen, möchte, mag, heißt, bedeutet"
        ),
        agents=folded_all("von, vom, durch"),
        oneself=folded_all("mir, uns, mich, meiner, unserer, meinerseits"),
        assents=folded_all(
            "kein problem, keine probleme, nichts dagegen, keine einwände, passt schon, alles gut,"
            " alles klar, alles bestens"
        ),
    ),
    "fr": DoubtWords(
        negations=folded_all(
            "pas, ne, n, jamais, aucun, aucune, rien, personne, sans, ni, non, point, annuler,"
            " annulez, stop"
        ),
        retractions=folded_all(
            "pas, jamais, attends, attendez, ah non, euh, stop, finalement, correction"
        ),
        conditions=folded_all(
            "mais, si, s'il, s'ils, sauf, seulement, uniquement, cependant, toutefois, pourtant,"
            " néanmoins, condition, conditions, réserve, réserves, pourvu, partiellement,"
            " en partie, peut-être, probablement, éventuellement, en principe, sinon, ou,"
            " tant que, hormis, excepté, avec modifications, avec des modifications"
        ),
        delays=folded_all(
            "quand, lorsque, après, avant, jusqu'à, jusqu'au, dès que, attendre, bien reçu, regarde"
        ),
        verbs=folded_all(
            "est, sont, était, ont, avait, sera, serait, seront, doit, doivent, devrait, peut,"
            " peuvent, pourrait, faut, veut, signifie, être"
        ),
        agents=folded_all("par"),
        oneself=folded_all("moi, nous, mes, mon, ma, nos, notre"),
        assents=folded_all(
            "pas de problème, aucun problème, pas d'objection, aucune objection, rien contre,"
            " allez y, vas y, tout va bien"
        ),
    ),
    "es": DoubtWords(
        negations=folded_all(
            "no, nunca, jamás, ningún, ninguna, ninguno, nada, nadie, sin, ni, tampoco, cancelar,"
            " cancela"
        ),
        retractions=folded_all(
            "nunca, espera, espere, no espera, alto, mejor, mentira, corrección"
        ),
        conditions=folded_all(
            "pero, si, salvo, excepto, solo, sólo, solamente, únicamente, aunque, embargo,"
            " siempre que, siempre y cuando, condición, condiciones, reserva, reservas,"
            " parcialmente, en parte, quizá, quizás, tal vez, probablemente, posiblemente,"
            " en principio, sino, o, u, mientras, pendiente, con cambios, depende"
        ),
        delays=folded_all("cuando, después, antes, hasta, esperar, por ahora, recibido, lo miro"),
        verbs=folded_all(
            "es, son, era, está, están, fue, ha, han, había, será, sería, serán, debe, deben,"
            " debería, puede, pueden, podría, hay, quiere, significa, ser, tiene"
        ),
        agents=folded_all("por"),
        oneself=folded_all("mí, mi, nosotros, nosotras, nuestra, favor"),
        assents=folded_all(
            "no hay problema, sin problema, sin problemas, ningún problema, sin objeciones,"
            " ninguna objeción, todo bien"
        ),
    ),
    "pt": DoubtWords(
        negations=folded_all(
            "não, nunca, jamais, nenhum, nenhuma, nada, ninguém, sem, nem, tampouco, cancelar,"
            " cancele"
        ),
        retractions=folded_all("nunca, espera, espere, não espera, pare, aliás, mentira, correção"),
        conditions=folded_all(
            "mas, se, salvo, exceto, só, somente, apenas, embora, porém, contudo, entretanto,"
            " todavia, desde que, condição, condições, ressalva, ressalvas, parcialmente,"
            " em parte, talvez, provavelmente, possivelmente, em princípio, senão, ou, enquanto,"
            " pendente, com alterações, com mudanças, caso, depende"
        ),
        delays=folded_all(
            "quando, após, depois, antes, até, esperar, por agora, recebido, vou ver"
        ),
        verbs=folded_all(
            "são, era, está, estão, foi, tem, têm, tinha, será, seria, serão, deve, devem,"
            " deveria, pode, podem, poderia, há, quer, significa, ser"
        ),
        agents=folded_all("por, pelo, pela, pelos, pelas"),
        oneself=folded_all("mim, nós, minha, meu, nossa, favor"),
        assents=folded_all(
            "não há problema, não tem problema, sem problema, sem problemas, nenhum problema,"
            " sem objeções, nenhuma objeção, tudo bem, tudo certo"
        ),
    ),
    # Found within words, too: Japanese has no spaces.
    "ja": DoubtWords(
        negations=folded_all("ません, ない, なく, ず"),
        retractions=folded_all("やはり, やっぱり, 待って, 嘘, やめます, できません"),
        conditions=folded_all(
            "ただし, 但し, しかし, でも, けど, けれど, もし, 条件, 場合, なら, たら, できれば,"
            " 一部, または, それとも, たぶん, 多分, 原則"
        ),
        delays=folded_all("後に, まで, 前に, 確認します, 検討, 拝見"),
        verbs=(),
        agents=(),
        oneself=(),
        assents=folded_all("問題ありません, 問題ない, 問題なし, 大丈夫, 構いません, かまいません"),
    ),
}
