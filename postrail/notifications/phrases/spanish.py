"""The phrases in Spanish."""

from __future__ import annotations

from postrail.notifications.phrases.phrases import Phrases

SPANISH = Phrases(
    language="es",
    colon=": ",
    full_stop=".",
    space=" ",
    comma=", ",
    decimal_point=",",
    units=("bytes", "KB", "MB", "GB"),
    marker="Responda por encima de esta línea",
    internal_marker="Interno: responda por encima de esta línea",
    greeting="Hola, {name}:",
    greeting_of_all="Hola:",
    unknown_sender="Un remitente desconocido",
    help_desk="El servicio de asistencia",
    received="Hemos recibido su mensaje; su número es {key}",
    received_title="Hemos recibido su mensaje",
    you_wrote="Usted escribió:",
    commented="{author} ha comentado {key}",
    commented_internally="{author} ha comentado {key} internamente",
    outside=(
        "{author} no participa en {key}, por eso solo se informa a los miembros del proyecto. Para"
        " aceptar este comentario y dejar participar a su autor, ejecute: {command}"
    ),
    assigned="{author} le ha asignado {key}",
    assigned_to_other="{author} ha asignado {key} a {assignee}",
    opened="{author} ha abierto {key}",
    opened_for_assignee="{author} ha abierto {key} y se lo ha asignado",
    opened_for_reporter="{author} ha abierto {key} para usted",
    status_changed="{author} ha cambiado {key} a «{status}»",
    mentioned="{author} le ha mencionado en {key}",
    bundled="Hay novedades en {key}",
    account_created="Nos ha escrito por primera vez, así que ahora conocemos {address}",
    account_created_title="Ahora conocemos su dirección",
    account_created_note=(
        "No necesita contraseña: escríbanos desde esta dirección y responda a nuestros correos. Si"
        " no nos ha escrito, ignore este correo."
    ),
    rejection="Su mensaje no ha sido aceptado",
    rejection_title="Su mensaje no ha sido aceptado",
    rejection_reason="Esta dirección no acepta mensajes de la suya. Nadie ha leído su mensaje.",
    approval_request="{author} le pide una decisión",
    approval_reminder="{author} sigue a la espera de su decisión",
    approval_answer="Respuesta {number}: {choice}",
    approval_how=(
        "Para decidir, responda a este correo. Empiece con las palabras que siguen a los dos"
        " puntos o solo con el número; lo que escriba después es su comentario."
    ),
    approval_comment="Un rechazo necesita un comentario con el motivo.",
    approval_only="Solo se le pregunta a usted.",
    approval_any="Se pregunta a {count} personas; decide la primera respuesta.",
    approval_all=(
        "Se necesita la aprobación de las {count} personas consultadas; el primer rechazo decide."
    ),
    approval_count="Se necesita la aprobación de {needed} de las {count} personas consultadas.",
    approval_order=(
        "Se pregunta a {count} personas, una tras otra. Se necesita la aprobación de todas; el"
        " primer rechazo decide."
    ),
    approval_until="Su respuesta cuenta si llega antes de {time}.",
    approval_expires="Después, la solicitud caduca.",
    approval_rejects="Después, la solicitud se considera rechazada.",
    approval_escalates="Después, se pregunta a otras personas.",
    approval_files="Adjuntos",
    approval_help="Su respuesta no ha decidido nada",
    approval_unclear=(
        "Su texto no empieza con ninguna de las respuestas previstas, o las palabras siguientes"
        " dejan dudas."
    ),
    approval_no_comment=(
        "Un rechazo necesita un comentario con el motivo, y su respuesta no lo tiene."
    ),
    approval_late="Llegó demasiado tarde: las respuestas contaban hasta {time}.",
    approval_over="La solicitud ha terminado entretanto y ya no necesita respuesta.",
    approval_answered="Una respuesta suya ya cuenta y no se puede cambiar por correo.",
    approval_not_asked="Ya no se le pregunta a usted, o aún no es su turno.",
    approval_other_sender=(
        "Llegó desde {address}. Solo puede responder la persona a quien se preguntó, desde la"
        " dirección a la que se envió nuestro correo."
    ),
    approval_other_address=(
        "La dirección de destino no era la prevista para las respuestas. Responda directamente a"
        " nuestro correo."
    ),
    approval_unverified=(
        "La verificación de que venía de usted no fue posible. Envíela desde su programa de"
        " correo habitual, o diríjase a quien hizo la solicitud."
    ),
    approval_several="Su texto nombra varias solicitudes. Responda a cada una en un correo aparte.",
    approval_forwarded="Parece un correo reenviado. Responda directamente a nuestro correo.",
    approval_approved="Su solicitud fue aprobada",
    approval_rejected="Su solicitud fue rechazada",
    approval_chosen="Su solicitud tiene una respuesta, {choice}",
    approval_rejected_late="Su solicitud se considera rechazada, porque nadie decidió a tiempo",
    approval_expired="Su solicitud ha caducado, porque nadie decidió a tiempo",
    approval_undecided="Su solicitud termina sin decisión: a cada opción le faltan respuestas",
    approval_taken_back="Su solicitud fue retirada",
    approval_withdrawn="Se retiró una solicitud dirigida a usted",
    approval_reassigned="Otra persona decide ahora en su lugar",
    approval_nothing_to_do="Ya no tiene que responder.",
    digest="Su día en {project}",
    forwarding="{by} le envía este mensaje, adjunto tal como se recibió.",
    telling="{by} le informa de este mensaje.",
    became_issue="Se convirtió en la incidencia {key}.",
    became_comment="Se convirtió en un comentario en {key}.",
    became_nothing="No se convirtió ni en incidencia ni en comentario.",
    became_quarantined="Está en cuarentena: no tiene efecto hasta que una persona lo libere.",
    became_failed="No se pudo procesar.",
    became_other="Su resultado es: {outcome}.",
    reason="Motivo",
    see_more="Para ver más, ejecute: {command}",
    original_left_out=(
        "El original es demasiado grande para este correo. Está guardado; para verlo: {command}"
    ),
    error_notice="Algo requiere su atención en {project}",
    undelivered="Un correo sobre {key} no se ha entregado",
    undelivered_to="Era para {recipient}. La respuesta del servidor de correo:",
    see_undelivered="Para ver el correo: {command}",
    retry_undelivered="Para enviarlo otra vez: {command}",
    unreachable="Nadie recibe los correos sobre {key}",
    unreachable_only=(
        "El único destinatario es {recipient}, una dirección a la que ya no se escribe:"
    ),
    release_address="Para volver a escribir a esta dirección: {command}",
    held="Hay notificaciones de {key} en espera",
    held_because="Una persona debe liberarlas:",
    see_held="Para verlas: {command}",
    release_held="Para enviarlas: {command}",
    not_followed="{issue} no sigue la decisión de {key}",
    not_followed_because="La decisión se mantiene. El motivo:",
    see_approval="Para ver la solicitud: {command}",
    nobody_in_time="Nadie decidió a tiempo.",
    unavailable="La conexión de salida {name} no está disponible",
    unavailable_since="Desde {time} no se puede enviar nada por ella:",
    unavailable_waits="Sus correos esperan y saldrán por sí solos cuando el servidor responda.",
    unavailable_instead="Sus correos salen por {fallback} hasta que el servidor responda.",
    test_connection="Para buscar la causa: {command}",
    sender="De",
    subject="Asunto",
    no_subject="ninguno",
    mailbox="Buzón",
    message="Mensaje",
    your_message="Su mensaje",
    no_text="(El mensaje no contiene texto).",
    only_pictures="(El mensaje no contiene texto, solo imágenes: {names})",
    only_files="(El mensaje no contiene texto, solo archivos: {names})",
    invitation="(El mensaje es una invitación: {summary})",
    too_large=(
        "(El mensaje era demasiado grande para leerlo: {size}. El asunto y el remitente han"
        " llegado; para archivos de este tamaño, pídanos otro medio)."
    ),
    cut="[… Esto es solo el comienzo; {key} contiene el texto completo].",
    earlier="Comentarios anteriores:",
    internal="interno",
    too_long_to_quote="[Este comentario es demasiado largo para citarlo; está en {key}].",
    hint_reply="Para añadir algo, responda simplemente a este correo.",
    hint_internal=(
        "Este comentario y todas las respuestas a este correo son internos: las personas externas"
        " no los ven."
    ),
    open_issue="Abrir {key}",
    decide="Decidir ahora",
    why_wrote="Recibe este correo porque nos ha escrito.",
    why_watches="Recibe este correo porque sigue {key}.",
    why_assigned="Recibe este correo porque tiene asignado {key}.",
    why_reporter="Recibe este correo porque {key} se abrió para usted.",
    why_mentioned="Recibe este correo porque un comentario le menciona.",
    why_project="Recibe este correo porque se ocupa de {project}.",
    why_told="Recibe este correo porque los ajustes de {project} prevén que se le informe.",
    why_digest="Recibe este correo porque las novedades de {project} le llegan una vez al día.",
    why_named="Recibe este correo porque su dirección figura en los ajustes.",
    why_written_to="Recibe este correo porque una persona se lo ha escrito.",
    why_approver="Recibe este correo porque {author} le pide una decisión.",
    why_delegate="Recibe este correo porque usted decide por {name}.",
    why_was_asked="Recibe este correo porque se le pidió una decisión.",
    why_requester="Recibe este correo porque usted hizo la solicitud.",
    stop_watching="Para no recibir más correos sobre {key}, pídalo en su respuesta.",
    unsubscribe="Para no recibir más correos sobre {key}, envíe un correo vacío a {address}",
    stop_asking="Para cambiarlo, diríjase al administrador de {project}.",
    stop_none="No habrá más correos sobre esto.",
)
