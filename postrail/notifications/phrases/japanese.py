"""The phrases in Japanese."""

from __future__ import annotations

from postrail.notifications.phrases.phrases import Phrases

JAPANESE = Phrases(
    language="ja",
    colon="：",
    full_stop="。",
    space="",
    comma="、",
    decimal_point=".",
    units=("bytes", "KB", "MB", "GB"),
    marker="この行より上にご返信をお書きください",
    internal_marker="内部用：この行より上にご返信をお書きください",
    greeting="{name} 様",
    greeting_of_all="お客様",
    unknown_sender="不明な差出人",
    help_desk="ヘルプデスク",
    received="メッセージを受け取りました。受付番号は {key} です",
    received_title="メッセージを受け取りました",
    you_wrote="お送りいただいた内容：",
    commented="{author} さんが {key} にコメントしました",
    commented_internally="{author} さんが {key} に内部コメントを書きました",
    outside=(
        "{author} さんは {key} の参加者ではないため、プロジェクトの担当者だけにお知らせして"
        "います。コメントを承認し、差出人を参加者にするには、次を実行してください：{command}"
    ),
    assigned="{author} さんが {key} をあなたに割り当てました",
    assigned_to_other="{author} さんが {key} を {assignee} さんに割り当てました",
    opened="{author} さんが {key} を作成しました",
    opened_for_assignee="{author} さんが {key} を作成し、あなたに割り当てました",
    opened_for_reporter="{author} さんがあなたのために {key} を作成しました",
    status_changed="{author} さんが {key} を「{status}」に変更しました",
    mentioned="{author} さんが {key} であなたに言及しました",
    bundled="{key} に新しい動きがあります",
    account_created="初めてご連絡をいただいたため、{address} を登録しました",
    account_created_title="メールアドレスを登録しました",
    account_created_note=(
        "パスワードは不要です。このアドレスからメールを送るか、こちらからのメールにご返信"
        "ください。お心当たりがない場合は、このメールを無視してください。"
    ),
    rejection="メッセージは受け付けられませんでした",
    rejection_title="メッセージは受け付けられませんでした",
    rejection_reason=(
        "このアドレスでは、お使いのアドレスからのメッセージを受け付けていません。"
        "内容は誰も読んでいません。"
    ),
    approval_request="{author} さんがあなたの判断を求めています",
    approval_reminder="{author} さんがあなたの判断を待っています",
    approval_answer="回答 {number}：{choice}",
    approval_how=(
        "判断するには、このメールに返信し、コロンの後の言葉または番号だけを最初に書いてください。"
        "その後に書かれた内容はコメントになります。"
    ),
    approval_comment="却下する場合は、理由をコメントに書いてください。",
    approval_only="判断を求められているのはあなただけです。",
    approval_any="最初の回答で決まります。{count} 人に判断を求めています。",
    approval_all="判断を求めている {count} 人全員の承認が必要で、最初の却下で決まります。",
    approval_count="判断を求めている {count} 人のうち {needed} 人の承認が必要です。",
    approval_order=(
        "{count} 人に順番に判断を求めています。全員の承認が必要で、最初の却下で決まります。"
    ),
    approval_until="回答は {time} より前に届けば有効です。",
    approval_expires="それを過ぎると、依頼は失効します。",
    approval_rejects="それを過ぎると、却下とみなされます。",
    approval_escalates="それを過ぎると、他の人に判断を求めます。",
    approval_files="添付ファイル",
    approval_help="あなたの返信では何も決まりませんでした",
    approval_unclear="返信がいずれの回答でも始まっていません。",
    approval_no_comment="却下には理由のコメントが必要ですが、返信にはコメントがありませんでした。",
    approval_late="返信が届くのが遅すぎました。回答の期限は {time} でした。",
    approval_over="この依頼はすでに終了しており、回答は必要ありません。",
    approval_answered="あなたの回答はすでに有効になっており、メールでは変更できません。",
    approval_not_asked="現在、あなたには判断を求めていません。",
    approval_other_sender=(
        "返信は {address} から届きました。"
        "判断を求められた本人だけが、こちらのメールを受け取ったアドレスから回答できます。"
    ),
    approval_other_address="回答用のアドレスに送信されていませんでした。こちらのメールに直接返信してください。",
    approval_unverified=(
        "返信があなたからのものであることを確認できませんでした。"
        "普段お使いのメールソフトから送信するか、依頼した人にご連絡ください。"
    ),
    approval_several="返信が複数の依頼に関係しています。それぞれ別のメールで返信してください。",
    approval_forwarded="転送されたメールのようです。こちらのメールに直接返信してください。",
    approval_approved="あなたの依頼は承認されました",
    approval_rejected="あなたの依頼は却下されました",
    approval_chosen="あなたの依頼に「{choice}」という回答がありました",
    approval_rejected_late="期限までに誰も判断しなかったため、あなたの依頼は却下とみなされました",
    approval_expired="期限までに誰も判断しなかったため、あなたの依頼は失効しました",
    approval_taken_back="あなたの依頼は取り下げられました",
    approval_withdrawn="あなたへの依頼は取り下げられました",
    approval_reassigned="あなたの代わりに他の人が判断します",
    approval_nothing_to_do="もう回答する必要はありません。",
    digest="{project} の今日のまとめ",
    forwarding="{by} がこのメッセージを転送しました。受信したままの形で添付しています。",
    telling="{by} がこのメッセージについてお知らせします。",
    became_issue="課題 {key} になりました。",
    became_comment="{key} のコメントになりました。",
    became_nothing="課題にもコメントにもなりませんでした。",
    became_quarantined="隔離されています。担当者が解除するまで、何も行われません。",
    became_failed="処理できませんでした。",
    became_other="結果：{outcome}",
    reason="理由",
    see_more="詳しくは次を実行してください：{command}",
    original_left_out=(
        "元のメールは大きすぎるため添付できません。保存されています。表示するには：{command}"
    ),
    error_notice="{project} で確認が必要なことがあります",
    undelivered="{key} のメールを配信できませんでした",
    undelivered_to="宛先は {recipient} です。メールサーバーの応答：",
    see_undelivered="メールを表示するには：{command}",
    retry_undelivered="もう一度送信するには：{command}",
    unreachable="{key} のメールが誰にも届いていません",
    unreachable_only="唯一の宛先 {recipient} への送信は停止されています：",
    release_address="このアドレスへの送信を再開するには：{command}",
    held="{key} の通知が保留されています",
    held_because="送信するには解除が必要です：",
    see_held="通知を確認するには：{command}",
    release_held="通知を送信するには：{command}",
    unavailable="送信接続 {name} を利用できません",
    unavailable_since="{time} から、この接続では何も送信できません：",
    unavailable_waits="メールは待機しています。サーバーが応答すると、自動的に送信されます。",
    unavailable_instead="サーバーが応答するまで、メールは {fallback} から送信されます。",
    test_connection="原因を調べるには：{command}",
    sender="差出人",
    subject="件名",
    no_subject="なし",
    mailbox="メールボックス",
    message="メッセージ",
    your_message="お送りいただいたメッセージ",
    no_text="（本文のないメッセージです。）",
    only_pictures="（本文はなく、画像だけのメッセージです：{names}）",
    only_files="（本文はなく、ファイルだけのメッセージです：{names}）",
    invitation="（予定への招待です：{summary}）",
    too_large=(
        "（メッセージが {size} と大きすぎるため、読み込めませんでした。件名と差出人は届いています。"
        "この大きさのファイルの送り方は、お問い合わせください。）"
    ),
    cut="［以下省略。全文は {key} にあります。］",
    earlier="これまでのコメント：",
    internal="内部",
    too_long_to_quote="［このコメントは長いため引用していません。{key} にあります。］",
    hint_reply="追加のご連絡は、このメールにそのままご返信ください。",
    hint_internal="このコメントとこのメールへの返信は内部用です。外部の方には見えません。",
    open_issue="{key} を開く",
    decide="判断する",
    why_wrote="ご連絡をいただいたため、このメールをお送りしています。",
    why_watches="{key} をウォッチしているため、このメールが届いています。",
    why_assigned="{key} が割り当てられているため、このメールが届いています。",
    why_reporter="{key} があなたのために作成されたため、このメールが届いています。",
    why_mentioned="コメントで言及されたため、このメールが届いています。",
    why_project="{project} の担当者であるため、このメールが届いています。",
    why_told="{project} の設定により、このメールが届いています。",
    why_digest="{project} のお知らせを1日1回にまとめる設定のため、このメールが届いています。",
    why_named="設定にアドレスが登録されているため、このメールが届いています。",
    why_written_to="担当者があなた宛てに書いたメールです。",
    why_approver="{author} さんがあなたの判断を求めているため、このメールが届いています。",
    why_delegate="あなたが {name} さんの代わりに判断するため、このメールが届いています。",
    why_was_asked="あなたに判断を求めたため、このメールが届いています。",
    why_requester="あなたが依頼したため、このメールが届いています。",
    stop_watching="{key} のメールを停止するには、その旨をご返信ください。",
    unsubscribe="{key} のメールを停止するには、次の宛先に空のメールをお送りください： {address}",
    stop_asking="変更するには、{project} の管理者にお問い合わせください。",
    stop_none="この件についてのメールは、これ以上お送りしません。",
)
