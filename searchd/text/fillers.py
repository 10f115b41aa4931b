"""Words that make no tag, beside the stop words of queries: pronouns, auxiliaries, "example", "following", "things".

They stay in the index and in questions; they only never stand in a keyphrase. Folded, by language.
"""

from __future__ import annotations

from functools import cache

from searchd.text.language import primary
from searchd.text.stopwords import STOP_WORDS

_FILLERS = {
    "en": """above across after again against all almost alone along already also although always among another
        anybody anyone anything anywhere aren't around away back became because become becomes before behind
        below between both can't cannot come couldn't didn't doesn't don't done down due during each either else
        enough etc even ever every everybody everyone everything few further get gets getting give given gives
        go goes going got hadn't hasn't haven't having here hers herself himself however i'm indeed instead
        isn't it's itself just keep kept know known least less let let's lets like likely made make makes making
        many may maybe mean means might mine more most mostly much must myself near need needs neither never no
        nobody none nor not nothing now off often once one ones only onto other others otherwise ours ourselves
        out over own per perhaps please possible put quite rather really said same say says see seem seems seen
        several shouldn't show shown since somebody someone something sometimes somewhere still such take taken
        takes that's theirs themselves therefore they're though through thus together too toward towards under
        unless until up upon use used useful uses using usually very via want wants wasn't well weren't whatever
        whenever wherever whether while whoever whole within without won't wouldn't yet you're yours yourself
        yourselves e.g i.e example examples following follows way thing things new first second two three able
        non""",
    "de": """ab ahnlich alle allem allen aller allerdings alles andere anderem anderen anderer anderes anders ausser
        ausserdem beide beiden bereits besonders bitte dabei dadurch dafur dagegen daher dahin damals damit
        danach daneben dann daran darauf daraus darf darin daruber darum darunter davon davor dazu deine denen
        dennoch deren deshalb dessen dich dieselbe dir dort durfen ebenso eher einfach einige einigen einiger
        einmal erst erste ersten etwa euch euer eure fast ganz gar geben gegen gehen gemacht genau gilt ggf hab
        habe hatten hier hin hinter ihm ihn ihnen ihres immer indem ins insbesondere je jede jedem jeden jeder
        jedes jedoch jene jetzt kein keine keinem keinen keiner konnten lassen lasst mal manche mehr meist
        mochte mussen musste nachdem neben neu neue neuen neuer nein nicht nichts oft ohne schon sehr sei sein
        seine seinem seinen seiner seit selbst sobald sofern sogar solche solchen sollen sollten somit sondern
        sonst soweit sowie sowohl statt stets trotz uber unsere unserer unter usw verschiedene viel viele vielen
        vorher wahrend ware weder wegen weil weiter weitere weiteren wieder wieviel will wobei wodurch wohl
        wollen z.b zudem zwar zwei bzw d.h beispiel""",
    "fr": """afin ainsi alors apres aucun aucune aujourd'hui auquel aussi autre autres avant avoir car ceci cela
        celle celles celui cependant certains ceux chaque chez comme deja depuis deux doit donc dont encore
        entre etaient etant ete eu fait faire fois font fut ici lors lorsque meme memes moi moins ni non parce
        pendant peu peuvent plusieurs puis sans sera sous tous tout toute toutes tres vers voici""",
    "es": """algun alguna algunas alguno algunos antes aquel aquella asi aun aunque bajo bien cada casi contra
        cualquier debe desde despues dos durante entre eran esa esas ese eso esos estado estar habia hasta he
        luego mediante mientras mismo mucho muchos nada ni nosotros nuestra nuestro os otra otras otro otros
        poco pueden pues sea segun sido siempre sino solo tal tan tanto tienen toda todas todavia todo todos
        tras unas usted""",
    "it": """abbiamo alcuni ancora avere cioe contro cosi dopo due erano fa fra gia lei li lui me mentre molto no
        ogni oltre poi prima qui sei senza sia sopra sotto suoi tutti tutto vi""",
    "nl": """al alle alleen alles andere daar doch doen dus eens ge geen geweest haar hier iemand iets ja meer niets
        reeds want wezen wil zelf zonder""",
    "pt": """ainda apenas cada deles depois estas estava estes la mesmo muito seus sido sobre suas te tinha todo
        todos""",
    "pl": """albo bardzo bylo byly inne jako jednak juz ktorych maja mozna nich niego nim poniewaz przed takze tych
        tym wiele wszystko""",
    "sv": """allt bara blev blir denna deras dessa detta da ej hade hans icke ingen inom ja kunde mellan mycket ni nu
        nagon nagot samma sedan sina sitta sjalv utan vara""",
    "ru": """более больше будет весь во вот все всего всех можно надо нет них также того только том уже эта эти
""",
}  # fmt: skip


@cache
def fillers(lang: str) -> frozenset[str]:
    """Return the words of a language (a BCP 47 tag) that say nothing as a tag; empty when we have no list."""
    tag = primary(lang)
    return frozenset(_FILLERS.get(tag, "").split()) | STOP_WORDS.get(tag, frozenset())
