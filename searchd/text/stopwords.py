"""Function words by language: they never begin or end a keyphrase and say nothing about a sentence's subject.

Folded (lower case, no accents), so look up ``fold(normal(word))``. Unknown languages get no list: there the site's own
frequencies have to do.
"""

from __future__ import annotations

from functools import cache

from searchd.text.language import primary

_WORDS = {
    "en": """a about above across after again against all almost alone along already also although always am
        among an and another any anybody anyone anything anywhere are aren't around as at away back be
        became because become becomes been before behind being below between both but by can can't cannot
        come could couldn't did didn't do does doesn't doing don't done down due during each either else
        enough etc even ever every everybody everyone everything few for from further get gets getting give
        given gives go goes going got had hadn't has hasn't have haven't having he her here hers herself him
        himself his how however i i'm if in indeed instead into is isn't it it's its itself just keep kept
        know known least less let let's lets like likely made make makes making many may maybe me mean means
        might mine more most mostly much must my myself near need needs neither never no nobody none nor not
        nothing now of off often on once one ones only onto or other others otherwise our ours ourselves out
        over own per perhaps please possible put quite rather really said same say says see seem seems seen
        several shall she should shouldn't show shown since so some somebody someone something sometimes
        somewhere still such take taken takes than that that's the their theirs them themselves then there
        therefore these they they're this those though through thus to together too toward towards under
        unless until up upon us use used useful uses using usually very via want wants was wasn't we well
        were weren't what whatever when whenever where wherever whether which while who whoever whole whom
        whose why will with within without won't would wouldn't yet you you're your yours yourself
        yourselves e.g i.e example examples following follows way thing things new first second two three
        able non""",
    "de": """ab aber ahnlich alle allem allen aller allerdings alles als also am an andere anderem anderen
        anderer anderes anders auch auf aus ausser ausserdem bei beide beiden beim bereits besonders bis
        bitte da dabei dadurch dafur dagegen daher dahin damals damit danach daneben dann daran darauf
        daraus darf darin daruber darum darunter das dass davon davor dazu dein deine dem den denen denn
        dennoch der deren des deshalb dessen dich die dies diese dieselbe diesem diesen dieser dieses dir
        doch dort du durch durfen ebenso eher ein eine einem einen einer eines einfach einige einigen
        einiger einmal er erst erste ersten es etwa etwas euch euer eure fast fur ganz gar geben gegen gehen
        gemacht genau gibt gilt ggf hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr
        ihre ihrem ihren ihrer ihres im immer in indem ins insbesondere ist ja je jede jedem jeden jeder
        jedes jedoch jene jetzt kann kannst kein keine keinem keinen keiner konnen konnte konnten lassen
        lasst mal man manche mehr mein meine meist mich mir mit mochte mussen musste muss nach nachdem neben
        neu neue neuen neuer nein nicht nichts noch nun nur ob oder oft ohne schon sehr sei sein seine
        seinem seinen seiner seit selbst sich sie sind so sobald sofern sogar solche solchen soll sollen
        sollte sollten somit sondern sonst soweit sowie sowohl statt stets trotz uber um und uns unser
        unsere unserer unter usw verschiedene viel viele vielen vom von vor vorher wahrend wann war ware
        waren warum was weder wegen weil weiter weitere weiteren welche welchem welchen welcher welches wenn
        wer werde werden wie wieder wieviel will wird wo wobei wodurch wohl wollen worden wurde wurden z.b
        zu zudem zum zur zwar zwei zwischen bzw d.h beispiel""",
    "fr": """a afin ainsi alors apres au aucun aucune aujourd'hui auquel aussi autre autres aux avant avec avoir
        car ce ceci cela celle celles celui cependant certains ces cet cette ceux chaque chez comme comment
        d dans de deja depuis des deux doit donc dont du elle elles en encore entre est et etaient etait
        etant ete etre eu eux fait faire fois font fut ici il ils j je l la le les leur leurs lors lorsque
        lui m ma mais me meme memes mes moi moins mon n ne ni non nos notre nous on ont ou par parce pas
        pendant peu peut peuvent plus plusieurs pour pourquoi puis qu quand que quel quelle quelles quels
        qui quoi s sa sans se sera ses si son sont sous sur ta tes toi ton tous tout toute toutes tres tu un
        une vers voici vos votre vous y""",
    "es": """a al algo algun alguna algunas alguno algunos ante antes aquel aquella asi aun aunque bajo bien cada
        casi como con contra cual cuales cualquier cuando cuanto de debe del desde despues donde dos durante
        e el ella ellas ellos en entre era eran es esa esas ese eso esos esta estaba estado estan estar
        estas este esto estos fue fueron ha habia han hasta hay he la las le les lo los luego mas me
        mediante mi mientras mis mismo mucho muchos muy nada ni no nos nosotros nuestra nuestro o os otra
        otras otro otros para pero poco por porque puede pueden pues que quien quienes se sea segun ser si
        sido siempre sin sino sobre solo son su sus tal tambien tan tanto te tiene tienen toda todas todavia
        todo todos tras tu tus un una unas uno unos usted y ya yo""",
    "it": """a abbiamo ad agli ai al alcuni alla alle allo anche ancora avere che chi ci cioe come con contro
        cosa cosi cui da dagli dai dal dalla dalle dallo degli dei del della delle dello di dopo dove due e
        ed era erano essere fa fra gia gli ha hanno ho i il in io la le lei li lo loro lui ma me mentre mi
        mia mio molto ne nei nel nella nelle nello no noi non nostro o ogni oltre per perche piu poi prima
        puo quale quali quando quanto quella quelle quelli quello questa queste questi questo qui se sei
        senza si sia sono sopra sotto sua sue sui sul sulla sulle suo suoi tra tu tutti tutto un una uno vi
        voi""",
    "nl": """aan al alle alleen als alles andere ben bij daar dan dat de deze die dit doch doen door dus een eens
        en er ge geen geweest haar had heb hebben heeft hem het hier hij hoe hun iemand iets ik in is ja je
        kan kon kunnen maar me meer men met mij mijn moet na naar niet niets nog nu of om omdat onder ons
        ook op over reeds te tegen toch toen tot u uit uw van veel voor want waren was wat welke werd wezen
        wie wij wil worden wordt zal ze zelf zich zij zijn zo zonder zou""",
    "pt": """a ainda ao aos apenas as ate cada com como da das de dela dele deles depois do dos e ela elas ele
        eles em entre era essa esse esta estao estas estava este estes eu foi foram ha isso isto ja la lhe
        mais mas me mesmo meu minha muito na nao nas nem no nos nossa nosso num numa o os ou para pela pelas
        pelo pelos pode por porque qual quando que quem sao se sem ser seu seus sido so sobre sua suas
        tambem te tem tinha todo todos um uma umas uns voce""",
    "pl": """a aby albo ale bardzo bez bo byc byl byla bylo byly co czy dla do gdy gdzie go i ich ile im inne ja
        jak jako je jednak jego jej jest jeszcze juz kiedy ktora ktore ktory ktorych lub ma maja mi mnie
        moze mozna na nad nie nich niego nim o od oraz po pod poniewaz przed przez przy sa sie ta tak takze
        tam te tego tej ten to tu tych tylko tym u w we wiele wszystko z za ze""",
    "sv": """alla allt att av bara blev bli blir de dem den denna deras dess dessa det detta dig din du da dar
        efter ej eller en er ett fran for ha hade han har hans hon hur har i icke ingen inte inom ja jag kan
        kunde man med mellan men mig min mot mycket ni nu nar nagon nagot och om oss pa samma sedan sig sin
        sina sitta sjalv skulle som sa till under upp ut utan vad var vara vem vi vid vilka vilken""",
    "ru": """а без более больше будет бы был была были было быть в вам вас весь во вот все всего всех вы где да
        для до его ее если есть еще же за и из или им их к как когда кто ли можно мы на над надо не нее нет
        ни них но о об он она они от по под при с со так также там то того только том ты у уже чем что чтобы
        эта эти это этого этой этот я""",
}  # fmt: skip


@cache
def stopwords(lang: str) -> frozenset[str]:
    """Return the function words of a language (a BCP 47 tag), folded; empty when we have no list."""
    return frozenset(_WORDS.get(primary(lang), "").split())
