"""The phrases in Portuguese."""

from __future__ import annotations

from postrail.notifications.phrases.phrases import Phrases

PORTUGUESE = Phrases(
    language="pt",
    colon=": ",
    full_stop=".",
    space=" ",
    comma=", ",
    decimal_point=",",
    units=("bytes", "KB", "MB", "GB"),
    marker="Responda acima desta linha",
    internal_marker="Interno: responda acima desta linha",
    greeting="Olá, {name},",
    greeting_of_all="Olá,",
    unknown_sender="Um remetente desconhecido",
    help_desk="O suporte",
    received="Recebemos a sua mensagem; o número dela é {key}",
    received_title="Recebemos a sua mensagem",
    you_wrote="Você escreveu:",
    commented="{author} comentou {key}",
    commented_internally="{author} comentou {key} internamente",
    outside=(
        "{author} não participa de {key}, por isso só os membros do projeto são avisados. Para"
        " aceitar este comentário e deixar o autor participar, execute: {command}"
    ),
    assigned="{author} atribuiu {key} a você",
    assigned_to_other="{author} atribuiu {key} a {assignee}",
    opened="{author} abriu {key}",
    opened_for_assignee="{author} abriu {key} e o atribuiu a você",
    opened_for_reporter="{author} abriu {key} para você",
    status_changed="{author} mudou {key} para “{status}”",
    mentioned="{author} mencionou você em {key}",
    bundled="Há novidades em {key}",
    account_created="Você nos escreveu pela primeira vez, por isso agora conhecemos {address}",
    account_created_title="Agora conhecemos o seu endereço",
    account_created_note=(
        "Você não precisa de senha: escreva-nos deste endereço e responda aos nossos e-mails. Se"
        " você não nos escreveu, ignore este e-mail."
    ),
    rejection="A sua mensagem não foi aceita",
    rejection_title="A sua mensagem não foi aceita",
    rejection_reason="Este endereço não aceita mensagens do seu. Ninguém leu a sua mensagem.",
    approval_request="{author} pede a sua decisão",
    approval_reminder="{author} ainda espera a sua decisão",
    approval_answer="Resposta {number}: {choice}",
    approval_how=(
        "Para decidir, responda a este e-mail. Comece com as palavras depois dos dois-pontos ou"
        " só com o número; o que você escrever depois é o seu comentário."
    ),
    approval_comment="Uma rejeição precisa de um comentário com o motivo.",
    approval_only="Só você é consultado.",
    approval_any="A primeira resposta decide; {count} pessoas são consultadas.",
    approval_all=(
        "É necessária a aprovação das {count} pessoas consultadas; a primeira rejeição decide."
    ),
    approval_count="É necessária a aprovação de {needed} das {count} pessoas consultadas.",
    approval_order=(
        "Uma após a outra, {count} pessoas são consultadas. É necessária a aprovação de todas; a"
        " primeira rejeição decide."
    ),
    approval_until="A sua resposta conta se chegar antes de {time}.",
    approval_expires="Depois disso, o pedido expira.",
    approval_rejects="Depois disso, o pedido é considerado rejeitado.",
    approval_escalates="Depois disso, outras pessoas são consultadas.",
    approval_files="Anexos",
    approval_help="A sua resposta não decidiu nada",
    approval_unclear=(
        "Ela não começa com nenhuma das respostas previstas, ou as palavras seguintes deixam"
        " dúvidas."
    ),
    approval_no_comment=(
        "Uma rejeição precisa de um comentário com o motivo, e a sua resposta não tem nenhum."
    ),
    approval_late="Ela chegou tarde demais: as respostas contavam até {time}.",
    approval_over="O pedido terminou entretanto e já não precisa de resposta.",
    approval_answered="Uma resposta sua já conta e não pode ser alterada por e-mail.",
    approval_not_asked="Você já não é consultado, ou ainda não é.",
    approval_other_sender=(
        "Ela veio de {address}. Só a pessoa consultada pode responder, a partir do endereço para"
        " o qual o nosso e-mail foi enviado."
    ),
    approval_other_address=(
        "Ela não foi enviada ao endereço previsto para as respostas. Responda diretamente ao"
        " nosso e-mail."
    ),
    approval_unverified=(
        "A origem dela não pôde ser verificada. Envie-a a partir do seu programa de e-mail"
        " habitual, ou fale com quem fez o pedido."
    ),
    approval_several="Ela menciona vários pedidos. Responda a cada um em um e-mail próprio.",
    approval_forwarded="Ela parece um e-mail encaminhado. Responda diretamente ao nosso e-mail.",
    approval_approved="O seu pedido foi aprovado",
    approval_rejected="O seu pedido foi rejeitado",
    approval_chosen="O seu pedido tem uma resposta, {choice}",
    approval_rejected_late="O seu pedido é considerado rejeitado, porque ninguém decidiu a tempo",
    approval_expired="O seu pedido expirou, porque ninguém decidiu a tempo",
    approval_undecided="O seu pedido termina sem decisão: nenhuma opção tem respostas suficientes",
    approval_taken_back="O seu pedido foi retirado",
    approval_withdrawn="Um pedido dirigido a você foi retirado",
    approval_reassigned="Outra pessoa decide agora em seu lugar",
    approval_nothing_to_do="Você já não precisa responder.",
    digest="O seu dia em {project}",
    forwarding="{by} envia esta mensagem a você; ela está anexada como foi recebida.",
    telling="{by} informa você sobre esta mensagem.",
    became_issue="Ela se tornou o chamado {key}.",
    became_comment="Ela se tornou um comentário em {key}.",
    became_nothing="Ela não se tornou nem chamado nem comentário.",
    became_quarantined="Ela está em quarentena: não tem efeito até que uma pessoa a libere.",
    became_failed="Ela não pôde ser processada.",
    became_other="O resultado dela é: {outcome}.",
    reason="Motivo",
    see_more="Para ver mais, execute: {command}",
    original_left_out=(
        "O original é grande demais para este e-mail. Está guardado; para vê-lo: {command}"
    ),
    error_notice="Algo precisa da sua atenção em {project}",
    undelivered="Um e-mail sobre {key} não foi entregue",
    undelivered_to="Ele era para {recipient}. A resposta do servidor de e-mail:",
    see_undelivered="Para ver o e-mail: {command}",
    retry_undelivered="Para enviá-lo mais uma vez: {command}",
    unreachable="Ninguém recebe os e-mails sobre {key}",
    unreachable_only=(
        "O único destinatário é {recipient}, um endereço para o qual não se escreve mais:"
    ),
    release_address="Para voltar a escrever para este endereço: {command}",
    held="Notificações sobre {key} estão em espera",
    held_because="Alguém precisa liberá-las:",
    see_held="Para vê-las: {command}",
    release_held="Para enviá-las: {command}",
    not_followed="{issue} não segue a decisão de {key}",
    not_followed_because="A decisão se mantém. O motivo:",
    see_approval="Para ver a solicitação: {command}",
    nobody_in_time="Ninguém decidiu a tempo.",
    unavailable="A conexão de saída {name} não está disponível",
    unavailable_since="Desde {time} nada pode ser enviado por ela:",
    unavailable_waits="Os e-mails dela esperam e seguirão sozinhos quando o servidor responder.",
    unavailable_instead="Os e-mails dela seguem por {fallback} até o servidor responder.",
    test_connection="Para procurar a causa: {command}",
    sender="De",
    subject="Assunto",
    no_subject="nenhum",
    mailbox="Caixa",
    message="Mensagem",
    your_message="A sua mensagem",
    no_text="(A mensagem não contém texto.)",
    only_pictures="(A mensagem não contém texto, apenas imagens: {names})",
    only_files="(A mensagem não contém texto, apenas arquivos: {names})",
    invitation="(A mensagem é um convite: {summary})",
    too_large=(
        "(A mensagem era grande demais para ser lida: {size}. O assunto e o remetente chegaram;"
        " para arquivos deste tamanho, peça-nos outro meio.)"
    ),
    cut="[… Este é só o começo; {key} contém o texto inteiro.]",
    earlier="Comentários anteriores:",
    internal="interno",
    too_long_to_quote="[Este comentário é longo demais para ser citado; está em {key}.]",
    hint_reply="Para acrescentar algo, basta responder a este e-mail.",
    hint_internal=(
        "Este comentário e todas as respostas a este e-mail são internos: pessoas de fora não os"
        " veem."
    ),
    open_issue="Abrir {key}",
    decide="Decidir agora",
    why_wrote="Você recebe este e-mail porque nos escreveu.",
    why_watches="Você recebe este e-mail porque acompanha {key}.",
    why_assigned="Você recebe este e-mail porque {key} está atribuído a você.",
    why_reporter="Você recebe este e-mail porque {key} foi aberto para você.",
    why_mentioned="Você recebe este e-mail porque um comentário menciona você.",
    why_project="Você recebe este e-mail porque cuida de {project}.",
    why_told="Você recebe este e-mail porque as configurações de {project} o preveem.",
    why_digest=(
        "Você recebe este e-mail porque as novidades de {project} chegam a você uma vez por dia."
    ),
    why_named="Você recebe este e-mail porque o seu endereço está nas configurações.",
    why_written_to="Você recebe este e-mail porque uma pessoa o escreveu para você.",
    why_approver="Você recebe este e-mail porque {author} pede a sua decisão.",
    why_delegate="Você recebe este e-mail porque decide por {name}.",
    why_was_asked="Você recebe este e-mail porque a sua decisão foi pedida.",
    why_requester="Você recebe este e-mail porque fez o pedido.",
    stop_watching="Para não receber mais e-mails sobre {key}, peça isso na resposta.",
    unsubscribe="Para não receber mais e-mails sobre {key}, envie um e-mail vazio para {address}",
    stop_asking="Para mudar isso, fale com o administrador de {project}.",
    stop_none="Não haverá outro e-mail sobre isto.",
)
