"""The most frequent words of languages, with those of letters, and letters of few. Data only."""

from __future__ import annotations

# Languages that are written in Latin letters, by their codes of ISO 639-1.
LATIN: dict[str, str] = {
    "cs": """
        a aby ale ani ano asi až bez bude budu bych být co den dnes do dobrý díky děkuji
        ho i jak jako je jeho jen jsem jsme jsou já k kde když ke která které který mezi
        mi mohu mám máme může můžete na nebo není než nám od pak po pokud pouze pozdravem
        pro prosím proto protože při s se si tak také tento to toto u už v ve velmi vám
        vás však z za ze že
    """,
    "da": """
        af alle at blev blive bliver da de dem den denne der deres det dette dig din dog
        du efter eller en er et for fra før gør ham han har hej hilsen hvad hvis hvor i
        ikke ind jeg jer kan kun kunne man med meget men mig min mod mvh må ned nogen
        noget nogle nu når og også om op os over på selv sig skal skulle som tak til ud
        under var ved venlig vi vil ville være været
    """,
    "de": """
        aber alle als am an auch auf aus bei beim bin bis bitte da damit danke dann das
        dass dem den der des dies diese diesem diesen dieser dieses doch durch ein eine
        einem einen einer eines er es freundlichen für geht grüße guten habe haben hallo
        hat hier ich ihnen ihr ihre im in ist ja kann kein keine können mehr mein meine
        mich mir mit morgen muss nach nicht nichts noch nun nur ob oder ohne sehr sein
        seit sich sie sind so tag um und uns unser unter vielen vom von vor war was wenn
        werden wie wieder wir wird wo wurde zu zum zur zwischen über
    """,
    "en": """
        a about after all also am an and any are as at be because been before but by can
        could dear did do does doesn't don't for from get had has have he hello hi how i
        if in is it its just know like may me my need no not now of on only or other our
        out over please regards see she should so some than thank thanks that the their
        them then there these they this time to up us use was we were what when where
        which who why will with would you your
    """,
    "es": """
        a ahora al algo aunque bien buenas buenos como con cual cuando de del desde donde
        dos el ella en entre era es ese eso esta este esto estoy está están fue gracias ha
        hace han hasta hay hola la las le les lo los me mi mucho muy más nada ni no nos o
        otra otro para pero por porque puede puedo que quiero qué saludos se ser si sin
        sobre son su sus sí también te tengo tiene todo todos tu un una uno usted ustedes
        y ya yo
    """,
    "et": """
        aga ainult ega ei enne et ette ja jah jooks juba järgi kas kes ki kogu kohta kui
        kuid kus käib lugupidamisega ma mida mille mina minu mis nad need nii ning nüüd
        oleme olen oli olla on palun peab pole pärast saab seda see selle seotud siin siis
        sisse ta teda tema tere tuleb tänan vaid väga välja või ära üks üle
    """,
    "fi": """
        ei en ette että hei hän hänen ja jo joka jos jotka jälkeen kaikki kanssa kiitos
        koska kuin kuitenkin kun kuten me mikä minulla minun minä mukaan mutta myös ne
        niin niitä nyt nämä ole olen oli olisi olla on ovat pitää saa se sekä sen siinä
        siitä sitä tai tervehdys terveisin tämä tämän tätä vai vain vielä voi voiko voisi
        yli ystävällisin
    """,
    "fr": """
        ai alors au aucun aussi autre aux avec avez avoir avons bien bonjour bonsoir c'est
        ce ceci cela ces cet cette comme comment cordialement d'un d'une dans de depuis
        des deux donc du elle en encore est et eu faire fait il ils j'ai je l'on la le les
        leur lors lui ma mais me merci mes moi mon n'est ne nos notre nous on ont ou où
        par pas peut peux plus pour pourquoi qu'il quand que quel quelle qui sa sans se
        selon ses si son sont sous suis sur tous tout toute très tu un une vos votre vous
        y à ça était être
    """,
    "hr": """
        a ali bez bi bih bila bilo biti da dana do dobar dok ga gdje hvala i iako ili ima
        imam iz između ja je jedan jer još kad kada kako kao koja koje koji koju li lijep
        me mi mogu molim može na nad nakon ne nego nema nije nisam nismo niste o od ona
        oni ovaj ovo po pod pozdrav poštovani prema pri s sa sam samo se smo ste su ta te
        ti to toga u uz vam vas već vi za će što
    """,
    "hu": """
        a akkor alatt amely ami az azonban azt be csak de e egy egyik el előtt ez ezek ezt
        fel ha hanem hogy hogyan igen illetve is itt jó kell ki kérem kérjük köszönettel
        köszönöm közben legyen lehet lesz meg mert mi minden mint mit most már még nagyon
        napot ne nekem nem nincs olyan sem szerint szép tisztelettel tisztelt több utolsó
        után vagy vagyok van vannak volna volt által én és ön önök össze új úr üdv
        üdvözlettel ők
    """,
    "id": """
        ada adalah agar akan aku anda apa atau bagi bahwa banyak bapak belum bisa dalam
        dan dapat dari dengan di dia hal hanya harus hormat ibu ini itu jadi jika juga
        kalau kami karena ke kepada kita lain lebih mereka mohon oleh pada pak para saat
        saja salam sampai sangat saya sebagai secara selamat semua seperti sudah supaya
        telah terima tersebut tetapi tidak untuk yang
    """,
    "it": """
        a abbiamo ad ai al alla alle allo anche ancora avere buonasera buongiorno c'è che
        chi ci ciao come con cordiali cosa così da dal dalla degli dei del dell della
        delle di dopo dove due e ed era essere fa fare fino fra gli grazie ha hanno ho i
        il in io l'ho la le lei lo loro ma me mi mia mio molto ne nei nel nella nelle
        nessun noi non nostro o ogni ora per perché però più posso prima può qual quando
        quanto quella quello questa questo qui saluti se sei senza si sia siamo sono stato
        su sua sul sulla suo tra tutti tutto un una uno vi voi è
    """,
    "lt": """
        apie ar arba ačiū aš bei bet bus buvo būti dar diena dėl iki ir iš jau jei ji jis
        jo jums jūs jūsų jų kad kai kaip kas kuri kurie kurios kurį laba labai labas man
        mano mes mūsų nebuvo negali nei nes nuo nėra o pagal pagarbiai per po prašau prie
        su tai taip tam tas tik turi už vis yra į
    """,
    "lv": """
        ar arī bet bija būt cieņu diena dēļ es esam esmu gan ir ja jau jo jums jūs kad kas
        kur kura kuri kā labdien lai līdz lūdzu man mans mums mēs mūsu nav ne no paldies
        par pat pie pirms pēc sveiki tad tam tas tiek tikai to tur tā un uz vai var viņš
        vēl šis šo šī
    """,
    "nl": """
        aan al alle alleen als andere ben bent bij dan dank dat de der deze die dit doen
        door dus een en er ga gaan geen geven goed goede goedemorgen groet groeten had
        hallo heb hebben heeft het hier hij hoe ik in is je kan kunnen kunt maar me meer
        met mijn moet moeten na naar niet nog nu of om omdat ons onze ook op over te ten
        tot u uit uw van veel voor vriendelijke waar want waren was wat we wel werd wij
        wil worden wordt ze zeer zich zijn zo zonder zou
    """,
    "no": """
        alle at av bare ble bli blir da de deg den der deres det dette din du eller en er
        et etter for fordi fra før gjør ha hadde han har hei hilsen hun hva hvis hvor i
        ikke inn jeg kan kun kunne man med meg meget men mer min mot mvh må noe noen nå
        når og også om opp oss over på seg selv si skal skulle slik som så takk til under
        ut var ved vennlig vi vil ville vår være vært
    """,
    "pl": """
        a aby albo ale bardzo bez bo by być był była było chciałbym ci co czy dla do dobry
        dzień dzięki dziękuję gdy gdzie go i ich ile im ja jak jako je jednak jego jej
        jest jestem jeszcze już każdy kiedy która które który lub ma mam mi mnie mogę moje
        może można mój na nad nam nas nie niż o od oraz pan pani państwa po pod poza
        pozdrawiam pozdrowienia proszę przed przez przy się są tak także tam te tego tej
        ten to tutaj tylko tym u w we witam więc wszystko z za ze że żeby
    """,
    "pt": """
        a ainda ao aos as até boa bom com como da das de dela dele depois do dos e ela ele
        em entre então era essa esse esta este estou está estão eu foi há isso isto já lhe
        mais mas me mesmo meu minha muito na nas nem no nos nossa nosso num numa não o
        obrigada obrigado olá onde os ou para pela pelo pode podem por porque posso quando
        que quem se sem ser seu seus sobre sua suas são só também tem tenho todos tudo têm
        um uma você vocês à é
    """,
    "ro": """
        a aceasta acest aceste acum ai aici al ale am ar are asta au aș bună ca care ce
        cea cei cel cu cum când cât că da dar de deci decât din după era este eu fi fie
        fost fără iar la le lui mai mea meu mi multumesc mulțumesc mă ne nici nu o ori pe
        pentru poate prin până sa sau se si sub sunt să te toate tot un unde unei unui va
        vreau vă zi ziua îi îl îmi în înainte între și
    """,
    "sk": """
        a aby aj ako aké ale alebo ani asi bez bol bola bolo bude budem by byť cez deň do
        dobrý ešte ho i iba ich ja je jeho jej k kde keď keďže ktorá ktoré ktorý ma medzi
        mi možno má mám môj môže môžem môžete na nad nech nie niečo o od on ona po pod
        podľa pozdravom pre pred prečo pri prosím s sa si sme so som sú tak takže tam
        tento teraz tiež to toto treba tu už v veľmi viac vo vám vás však z za zo áno čo
        ďakujem že
    """,
    "sl": """
        a ali ampak bi bil bila bilo bo bodo brez da dan do dober dva ga hvala i ima imam
        in iz ja jaz je jih kaj kako kakor kar katera kateri ker ki ko lahko le lep me med
        mi moj mora na nad naj ne nekaj ni nisem no o ob od on oziroma pa po pod potem
        pozdrav pozdravljeni pred pri prosim s sem si smo so spoštovani sta ta tako tega
        temveč ti to tudi v vam vas več vse z za zakaj če še že želim
    """,
    "sv": """
        alla att av bara blev bli blir de dem den denna deras dess det detta dig din du
        där då efter ej eller en er ett från för före gör ha hade han har hej hon honom
        hur hälsning hälsningar här i icke in inte jag ju kan kunde man med mellan men mig
        min mitt mot mycket måste ni nu när någon något några och också om oss på samma
        sedan sig sin ska skall skulle som sätt så tack till under upp ut utan vad var
        vara varit vi vid vilka vilken vill vänlig vänliga är
    """,
    "tr": """
        acaba ama ancak aynı bana bazı ben beni benim bile bir biraz biz bu bunu bunun
        böyle da daha de değil diye en gibi göre günaydın hem hep her hiç iki ile ise iyi
        için kadar ki kim lütfen merhaba mi mu mü mı nasıl ne neden nerede o olan olarak
        oldu olduğu olmak olur ona onu onun rica saygılarımla sayın selam siz sizin sonra
        teşekkür teşekkürler tüm var vardır ve veya ya yok çok çünkü önce şey şimdi şu
    """,
    "vi": """
        anh bạn bị bởi cho chào chúng chỉ chị các cách cám còn có cùng cũng cảm cần của em
        giúp gì hay hoặc hơn khi không là làm lên lại mà mình một mới người nhiều như
        nhưng những nào này nên nếu phải ra rất rồi sau sẽ theo thì thể trong trên tôi tại
        từ và vào vì vẫn về với xin đang đi điều đây đã đó được đến để ạ ở
    """,
}
# Languages that are written in Cyrillic letters.
CYRILLIC: dict[str, str] = {
    "be": """
        аб або але была было быў вы гэта да дзень дзякуй для добры з за к каб калі мне мы
        на не няма так толькі трэба у усё што я яго як яны ён ёсць і ў
    """,
    "bg": """
        аз ако ала без беше би било бих благодаря в вас ви все във да дали ден до добър е
        един една за защо здравейте и из или има как какво като които който която към ли м
        ме ми много може моля на над нас не него ни но няма о от още по под поздрави при с
        са само се сега след сме съм със тази така те това този той тя у че ще я
    """,
    "mk": """
        ако без беше би благодарам го да дека ден до добар е еден една за здраво зошто и
        или им има како кај кога кои кој која на над не нема ни но ова оваа овој од по под
        поздрав при сè са само се со сум ти тие тоа треба што ја јас ќе
    """,
    "ru": """
        а без более был была были было быть в вам вас ваш весь во вот все всего всех вы
        где да даже день для до добрый его ее если есть еще ещё её же за здравствуйте и из
        или им их к как какой когда которые который кто ли мне может можно мой мы на над
        не него нет ни но ну о об однако он она они от очень по под пожалуйста после при с
        сейчас со спасибо так такой там то того тоже только ты у уважением уже хочу что
        чтобы эта эти это этого этот я
    """,
    "sr": """
        а али без би била био бити бих вам вас већ више га где да дан до добар док за
        здраво и из између или има када како као која које који ли ме ми може молим на над
        након не нема нисам није о ова овај ово од они по под поздрав поштовани при са сам
        само се смо сте су та те то у уз хвала што ја је јер још ће
    """,
    "uk": """
        або але без був була було бути в вам вас ваш вже ви вона вони все всі від він де
        день для до добридень добрий дуже дякую ж же з за зі й його кого коли лише мені ми
        може можна мій на над не нема немає ні о один по повагою при про прошу під після
        та так також там те ти то того тільки у хто це цей цього ці чи чому що щоб я як
        яка який якщо які є і із їх її
    """,
}
# Letters that few languages have; each counts like a word of these.
LETTERS: dict[str, tuple[str, ...]] = {
    "ß": ("de",),
    "ä": ("de", "fi", "sv", "et", "sk"),
    "ö": ("de", "fi", "sv", "et", "hu", "tr"),
    "ü": ("de", "et", "hu", "tr"),
    "ñ": ("es",),
    "¿": ("es",),
    "¡": ("es",),
    "ã": ("pt",),
    "õ": ("pt", "et"),
    "ç": ("fr", "pt", "tr"),
    "ê": ("fr", "pt"),
    "œ": ("fr",),
    "ù": ("fr", "it"),
    "ò": ("it",),
    "ì": ("it",),
    "å": ("sv", "da", "no"),
    "æ": ("da", "no"),
    "ø": ("da", "no"),
    "ł": ("pl",),
    "ą": ("pl", "lt"),
    "ę": ("pl", "lt"),
    "ś": ("pl",),
    "ż": ("pl",),
    "ź": ("pl",),
    "ć": ("pl", "hr"),
    "đ": ("hr", "vi"),
    "ř": ("cs",),
    "ě": ("cs",),
    "ů": ("cs",),
    "ľ": ("sk",),
    "ĺ": ("sk",),
    "ŕ": ("sk",),
    "ô": ("sk", "fr", "pt", "vi"),
    "ő": ("hu",),
    "ű": ("hu",),
    "ș": ("ro",),
    "ț": ("ro",),
    "ă": ("ro", "vi"),
    "ğ": ("tr",),
    "ı": ("tr",),
    "ş": ("tr", "ro"),
    "ė": ("lt",),
    "ų": ("lt",),
    "į": ("lt",),
    "ū": ("lt", "lv"),
    "ā": ("lv",),
    "ī": ("lv",),
    "ē": ("lv",),
    "ļ": ("lv",),
    "ņ": ("lv",),
    "ķ": ("lv",),
    "ģ": ("lv",),
    "ơ": ("vi",),
    "ư": ("vi",),
    "ў": ("be",),
    "і": ("uk", "be"),
    "ї": ("uk",),
    "є": ("uk",),
    "ґ": ("uk",),
    "ы": ("ru", "be"),
    "э": ("ru", "be"),
    "ё": ("ru", "be"),
    "ъ": ("bg",),
    "ђ": ("sr",),
    "ћ": ("sr",),
    "љ": ("sr", "mk"),
    "њ": ("sr", "mk"),
    "ј": ("sr", "mk"),
    "ѓ": ("mk",),
    "ќ": ("mk",),
    "ѕ": ("mk",),
}
