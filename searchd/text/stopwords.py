"""Words that carry a question and not its subject. They are indexed (quoted phrases need them) but weigh little.

Only the most frequent function and question words of each language, folded: a word that may be a subject somewhere
("will", "may", "one" stay; "can" goes) is left out where the site's own frequencies can judge better.
"""

from __future__ import annotations

STOP_WORDS: dict[str, frozenset[str]] = {
    lang: frozenset(words.split())
    for lang, words in {
        "en": "a about am an and any are as at be been being but by can could did do does doing for from had has have"
        " he her him his how i if in into is it its me my of on or our shall she should so some than that the their"
        " them then there these they this those to us was we were what when where which who whom whose why will with"
        " would you your dont doesnt isnt cant",
        "de": "aber als also am an auch auf aus bei beim bin bis da das dass dein dem den denn der des die dies diese"
        " diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es etwas fur gibt hat hatte"
        " haben ich ihr ihre ihrem ihren ihrer im in ist ja kann kannst konnen konnte man mein meine meinem meinen"
        " meiner mich mir mit muss nach noch nun nur ob oder sich sie sind so soll sollte um und uns unser vom von vor"
        " wann war waren warum was welche welchem welchen welcher welches wem wen wenn wer werde werden weshalb wie"
        " wieso wird wir wo woher wohin worden wurde wurden zu zum zur zwischen",
        "fr": "a ai au aux avec avez c ce ces cet cette ce comment d dans de des du elle elles en est et etait etre eux"
        " il ils j je l la le les leur leurs lui m ma mais me mes mon n ne nos notre nous on ont ou par pas peut plus"
        " pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa se ses si son sont sur t ta te tes toi ton"
        " tu un une vos votre vous y",
        "es": "a al algo ante como con cual cuales cuando cuanta cuantas cuanto cuantos de del donde e el ella ellas"
        " ellos en era es esta estaba estan estas este esto estos fue fueron ha han hay la las le les lo los mas me mi"
        " mis muy no nos o para pero por porque puede puedo que quien quienes se ser si sin sobre son su sus tambien te"
        " tiene tu tus un una uno unos y ya yo",
        "it": "a ad agli ai al alla alle allo anche c che chi ci come con cosa cui da dagli dai dal dalla dalle dallo"
        " degli dei del della delle dello di dove e ed era essere gli ha hanno ho i il in io l la le lo loro ma mi mia"
        " mio ne negli nei nel nella nelle nello noi non nostro o per perche piu posso puo quale quali quando quanto"
        " quella quelle quelli quello questa queste questi questo se si sono sua sue sugli sui sul sulla sulle suo ti"
        " tra tu un una uno voi",
        "nl": "aan als ben bij dan dat de deze die dit door een en er had heb hebben heeft hem het hij hoe hun ik in is"
        " je jij jullie kan kon kunnen maar me men met mij mijn moet na naar niet nog nu of om omdat onder ons ook op"
        " over te tegen toch toen tot u uit uw van veel voor waar waarom wanneer waren was wat we welke werd wie wij"
        " worden wordt zal ze zich zij zijn zo zou",
        "pt": "a ao aos as ate com como da das de dela dele do dos e ela elas ele eles em entre era essa esse esta"
        " estao este eu foi foram ha isso isto ja lhe mais mas me meu minha na nao nas nem no nos nossa nosso num"
        " numa o onde os ou para pela pelas pelo pelos pode por porque posso qual quais quando quanto que quem se sem"
        " ser seu sua sao so tambem tem um uma umas uns voce",
        "ru": "а без бы был была были было быть в вам вас вы где да для до его ее если есть еще же за здесь и из или им"
        " их к как какая какие какой ко когда кто ли меня мне мы на над нам нас не него нее ни но о об он она они оно"
        " от по под почему при с сам свой себя со так там те тем то тот тоже ты у чего чем что чтобы это этого этой"
        " этом этот я",
        "da": "af alle at blev da de dem den der deres det dig din disse du efter eller en end er et for fra ham han"
        " har hende hendes her hun hvad hvem hvis hvor hvordan hvorfor hvornar i ikke ind jeg jer kan man med meget men"
        " mig min mit mod ned noget nogle nu og om op os over pa sa sig sin skal som til ud under var ved vi vil var",
        "sv": "alla att av bli de dem den dess det dig din du dar efter eller en er ett fran for ha han har hon hur han"
        " i inte jag kan man med men mig min mot nar och om oss pa sa sig sin ska skulle som till under upp ut vad var"
        " varfor vem vi vid vilka vilken vilket vill ar at",
        "no": "alle at av ble da de deg dem den der det din du eller en enn er et etter for fra ha han har hun hva"
        " hvem hvilken hvis hvor hvordan hvorfor i ikke inn jeg kan man med men meg min mot na nar nei og om opp oss"
        " over pa sa seg sin skal som til ut var ved vi vil",
        "pl": "a aby ale bez bo by byl byla byc co czy dla do gdy gdzie go i ich ile im ja jak jaka jaki jakie je jego"
        " jej jest jestem jeszcze kiedy kto ktora ktore ktory lub ma mi mnie moge moze moj na nad nas nie niz o od oraz"
        " po pod przez przy sa sie skad so ta tak tam te tego tej ten to tu ty tylko u w we wiec z za ze",
        "tr": "acaba ama ancak bana bazi ben beni bir biz bu cok da daha de defa diye en eger gibi hem hep icin ile ise"
        " kac ki kim mi mu nasil ne neden nerede nereye niye o olan olarak oldu onu sana sen siz su ve veya ya",
    }.items()
}


def is_stop_word(form: str, lang: str) -> bool:
    """Whether a folded word only carries the question in ``lang``."""
    return form in STOP_WORDS.get(lang, ())
