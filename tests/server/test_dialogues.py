"""The line server as clients meet it: what is said and what is answered."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd import __version__
from dictd.config import Settings
from dictd.model import Entry
from dictd.server.commands import VERBS
from tests.lexicon.publishing import Shelf, entries
from tests.support.house import BOOKS, House, ImmediatePool, publish

PENGUIN = """150 2 definitions retrieved
151 "penguin" wn "WordNet"
penguin
    n 1: a flightless bird
.
151 "penguin" jargon "The Jargon File"
penguin
    the mascot
.
250 ok
"""


class Dialogue(SynchronousTestCase):
    """A server with two small dictionaries."""

    settings = Settings()

    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        self.house = House(directory, self.settings, pool=ImmediatePool.of(self))
        self.addCleanup(self.house.lexicon.close)
        self.client = self.house.welcome()


class Banners(Dialogue):
    """The first line (RFC 2229 3.1)."""

    def test_form(self) -> None:
        """Site, program, capabilities and a message id that comes last and is never the same."""
        version = re.escape(__version__)
        pattern = (
            rf"220 dict.example dictd {version} <auth\.mime\.xaccount\.xhistory> <[0-9a-f]{{32}}@dict.example>\r\n"
        )
        first, second = self.house.connect().heard().decode(), self.house.connect().heard().decode()
        self.assertRegex(first, f"^{pattern}$")
        self.assertNotEqual(first, second)


class LookingUp(Dialogue):
    """DEFINE, QUERY and MATCH."""

    def test_define_all(self) -> None:
        """``*`` asks every database, in order."""
        self.assertEqual(self.client.ask("DEFINE * penguin"), PENGUIN)

    def test_query_is_define_all(self) -> None:
        """QUERY and Q are DEFINE over all, the rest of the line is the word."""
        self.assertEqual(self.client.ask("QUERY penguin"), PENGUIN)
        self.assertEqual(self.client.ask("q   PENGUIN "), PENGUIN)

    def test_define_first(self) -> None:
        """``!`` stops at the first database that has the word."""
        self.assertIn("150 1 definitions", self.client.ask("DEFINE ! penguin"))
        self.assertIn('151 "foo" jargon', self.client.ask("DEFINE ! foo"))

    def test_one_database_in_any_case(self) -> None:
        """Names of databases are matched without case."""
        self.assertIn('151 "penguin" jargon', self.client.ask("DEFINE JARGON Penguin"))

    def test_no_match(self) -> None:
        """552, and nothing else."""
        self.assertEqual(self.client.ask("DEFINE * xyzzy"), "552 no match\n")
        self.assertEqual(self.client.codes('DEFINE * ""', 'DEFINE wn "   "', 'MATCH wn lev ""'), [552] * 3)

    def test_words_that_cannot_be(self) -> None:
        """More than 512 characters, also after NFKC, are refused before they cost anything."""
        self.assertEqual(self.client.codes("Q " + "x" * 512, "Q " + "x" * 513), [552, 501])
        for sign in ('"', "\\"):  # two characters each where they are answered
            self.assertEqual(self.client.codes("Q " + "x" + sign * 255, "Q " + "x" + sign * 256), [552, 501])
        self.assertEqual(self.client.codes("Q " + "\ufdfa" * 512, "MATCH * prefix " + "\ufdfa" * 512), [501, 501])

    def test_unknown_database(self) -> None:
        """550 says how to find out."""
        self.assertEqual(self.client.ask("DEFINE nosuch x"), "550 invalid database, use SHOW DB for list\n")
        self.assertEqual(self.client.codes('DEFINE "" x', 'DEFINE "!x" penguin'), [550, 550])

    def test_query_of_phrases(self) -> None:
        """Quotes and backslashes mean themselves in a QUERY, unless the whole is in quotes."""
        self.assertIn('151 "crow\'s nest"', self.client.ask("Q crow's nest"))
        self.assertIn('151 "crow\'s nest"', self.client.ask('Q "crow\'s nest"'))
        self.assertIn('151 "say \\"hi\\""', self.client.ask('Q say "hi"'))
        self.assertIn('151 "C++"', self.client.ask("Q C++"))
        self.assertIn('151 "你好"', self.client.ask("Q 你好"))

    def test_bare_query(self) -> None:
        """A bare Q is told what to say."""
        self.assertEqual(self.client.ask("Q"), "501 say QUERY and a word, as in: Q penguin\n")
        self.assertEqual(self.client.codes('Q ""', "Q   "), [501, 501])

    def test_folding(self) -> None:
        """What people type finds what is meant."""
        for word in ("MÄDCHEN", "Ma\u0308dchen", "madchen", "mädchen"):
            self.assertIn('151 "Mädchen"', self.client.ask(f"Q {word}"), word)

    def test_match_prefix_and_default(self) -> None:
        """``.`` is lev; each headword once, under its database."""
        answer = '152 3 matches found\nwn "pengo"\nwn "penguin"\njargon "penguin"\n.\n250 ok\n'
        self.assertEqual(self.client.ask("MATCH * prefix peng"), answer)
        self.assertEqual(self.client.ask("MATCH * . pengiun"), answer.replace("3", "2").replace('wn "pengo"\n', ""))
        self.assertEqual(self.client.ask("M * PREFIX PENG"), answer)

    def test_match_exact(self) -> None:
        """exact is the word itself."""
        self.assertEqual(self.client.ask("MATCH wn exact penguin"), '152 1 matches found\nwn "penguin"\n.\n250 ok\n')
        self.assertEqual(self.client.ask("MATCH wn exact peng"), "552 no match\n")

    def test_match_errors(self) -> None:
        """The strategy is checked before the database."""
        self.assertEqual(
            self.client.codes("MATCH wn nosuch x", "MATCH nosuch nosuch x", "MATCH nosuch exact x"), [551, 551, 550]
        )

    def test_match_quotes_headwords(self) -> None:
        """Quotes in a headword are quoted-pairs, and what is listed can be defined as listed."""
        self.assertIn('wn "say \\"hi\\""', self.client.ask('MATCH wn exact "say \\"hi\\""'))
        self.assertIn('151 "say \\"hi\\""', self.client.ask('DEFINE wn "say \\"hi\\""'))

    def test_texts_on_the_wire(self) -> None:
        """Dots are stuffed, long lines wrapped, what looks like a status is moved."""
        self.assertIn("\n..22\n", self.client.ask("DEFINE wn .22"))
        self.assertIn("\n 100 grams\n", self.client.ask('DEFINE wn "100 grams"'))
        self.client.send(b"DEFINE wn long\r\n")
        lines = self.client.heard().decode().split("\r\n")
        self.assertLessEqual(max(map(len, lines)), 1022)
        self.assertEqual("".join(lines).count("word"), 400)


class Quoting(Dialogue):
    """The table of PEERS 1.5, with the answers RFC 2229 2.2 demands."""

    def test_rows(self) -> None:
        """Each form of a word finds the word it means."""
        rows = {
            '"computer program"': "computer program",
            "'computer program'": "computer program",
            "computer\\ program": "computer program",
            '"computer\\ program"': "computer program",
            'comp"uter prog"ram': "computer program",
            '"pen""guin"': "penguin",
            '"computer program': "computer program",
            "crow\\'s\\ nest": "crow's nest",
            '"crow\'s nest"': "crow's nest",
            "\\penguin": "penguin",
            "penguin\\": "penguin",
            '"penguin\\': "penguin",
        }
        for sent, found in rows.items():
            self.assertIn(f'wn "{found}"', self.client.ask(f"MATCH wn exact {sent}"), sent)

    def test_apostrophe_opens_a_string(self) -> None:
        """``crow's`` is not an atom: its quote is open to the end."""
        self.assertEqual(self.client.codes("MATCH wn exact crow's"), [552])

    def test_verbs_and_blanks(self) -> None:
        """Verbs may be quoted; tabs and blanks divide."""
        for line in (
            '"MATCH" "wn" "exact" "penguin"',
            "\tMATCH\twn exact\tpenguin \t",
            "  match wn exact penguin  ",
        ):
            self.assertEqual(self.client.codes(line), [250], line)
        self.assertEqual(self.client.codes("SH\\OW DB"), [250])

    def test_what_dict_sends(self) -> None:
        """dict(1) sends quotes it has not escaped; the answer is an answer."""
        self.assertEqual(self.client.codes('define wn "a"b\\c"', "STATUS"), [552, 210])


class Verbs(Dialogue):
    """The table of PEERS 1.2: unknown verbs and wrong arguments."""

    def test_rows(self) -> None:
        """Every line has one status: 500 for the verb, 501 for its arguments."""
        rows = {
            "CLIENT my client 1.0": 250,
            "CLIENT": 250,
            'CLIENT "unterminated': 250,
            "FOO": 500,
            "GET": 500,
            "HTTP/1.0": 500,
            "": 500,
            "   ": 500,
            "SHOW": 501,
            "SHOW FOO": 501,
            "SHOW DATA": 501,
            "SHOW DB extra": 501,
            "SHOW SERVER x": 501,
            "STATUS x": 501,
            "HELP nosuch": 501,
            "OPTION": 501,
            "OPTION FOO": 503,
            "OPTION MIME x": 501,
            "DEFINE": 501,
            "DEFINE wn": 501,
            "DEFINE wn a b": 501,
            "MATCH wn exact": 501,
            "MATCH wn exact a b": 501,
            "D wn penguin": 250,
            "D penguin": 501,
            "XVERSION": 500,
            "XLEV 2": 500,
            "XIDLE": 500,
            "SASLAUTH PLAIN": 532,
            "SASLRESP x": 502,
            "STARTTLS": 502,
            "LANG": 500,
            "AUTH": 501,
            "AUTH joe": 501,
            "AUTH joe deadbeef": 531,
            "AUTH a b c": 501,
        }
        self.assertEqual(
            # Each behind a good one: twenty bad ones in a row would be too many.
            {line: self.client.codes("CLIENT x", line)[1:] for line in rows},
            {line: [code] for line, code in rows.items()},
        )

    def test_client_again(self) -> None:
        """CLIENT with, without and with a text again (this crashes GNU dico)."""
        self.assertEqual(self.client.codes("CLIENT a", "CLIENT", "CLIENT b", "STATUS"), [250, 250, 250, 210])

    def test_auth_answers_once(self) -> None:
        """AUTH with too many words has one answer (C dictd has two)."""
        self.assertEqual(self.client.codes("AUTH a b c", "STATUS"), [501, 210])

    def test_help_lists_every_verb(self) -> None:
        """HELP is made from the table that runs the verbs."""
        answer = self.client.ask("HELP")
        for verb in VERBS:
            if verb.about and verb.name != "STARTTLS":  # see test_tls
                self.assertIn(f"\n{verb.name}", answer)
                self.assertIn(verb.about, answer)
        self.assertNotIn("SASL", answer)
        self.assertIn("DEFINE database word", self.client.ask("HELP d"))
        self.assertIn("SHOW DB", self.client.ask("HELP show"))

    def test_every_verb_has_a_method(self) -> None:
        """No row of the table leads nowhere."""
        for verb in VERBS:
            if not verb.refusal:
                self.assertTrue(callable(getattr(self.client.protocol.session, verb.method)), verb.name)


class Showing(Dialogue):
    """SHOW, STATUS, OPTION MIME."""

    def test_databases(self) -> None:
        """Both spellings list them in order."""
        answer = '110 2 databases present\nwn "WordNet"\njargon "The Jargon File"\n.\n250 ok\n'
        self.assertEqual(self.client.ask("SHOW DB"), answer)
        self.assertEqual(self.client.ask("show databases"), answer)

    def test_strategies(self) -> None:
        """Both spellings list what MATCH takes."""
        answer = self.client.ask("SHOW STRAT")
        names = [line.split()[0] for line in answer.splitlines()[1:-2]]
        self.assertEqual(
            " ".join(names),
            "exact prefix nprefix substring suffix re regexp pcre soundex metaphone lev dlev word first last all",
        )
        self.assertEqual(self.client.ask("SHOW STRATEGIES"), answer)

    def test_info(self) -> None:
        """112 with the dictionary's own words; unknown names, ``*`` and ``!`` are 550."""
        self.assertEqual(self.client.ask("SHOW INFO WN"), "112 information for wn\nWordNet\n\nAbout wn.\n.\n250 ok\n")
        self.assertEqual(self.client.codes("SHOW INFO nosuch", "SHOW INFO *", "SHOW INFO !"), [550, 550, 550])

    def test_server(self) -> None:
        """114 names the program and the dictionaries, and no system or kernel."""
        answer = self.client.ask("SHOW SERVER")
        self.assertTrue(answer.startswith(f"114 server information\ndictd {__version__}"))
        self.assertIn("wn", answer)
        self.assertNotIn("inux", answer)

    def test_status(self) -> None:
        """210 with time and counts."""
        self.house.clock.advance(3661)
        client = self.house.welcome()
        client.ask("Q penguin")
        self.assertEqual(
            client.ask("STATUS"),
            "210 up 0 days 01:01:01, 2 of 2 connections, 2 commands, 2 definitions, 0 matches\n",
        )

    def test_mime(self) -> None:
        """OPTION MIME: a header block before texts, an empty one before lists (GoldenDict reads those by line)."""
        self.assertEqual(self.client.codes("OPTION MIME"), [250])
        header = "Content-type: text/plain; charset=utf-8\nContent-transfer-encoding: 8bit\n\n"
        self.assertIn(f'151 "penguin" wn "WordNet"\n{header}penguin\n', self.client.ask("DEFINE wn penguin"))
        for line in ("SHOW INFO wn", "SHOW SERVER", "HELP"):
            self.assertIn(f"\n{header}", self.client.ask(line), line)
        for line in ("SHOW DB", "SHOW STRAT", "MATCH * prefix p"):
            self.assertRegex(self.client.ask(line), r"^1\d\d [^\n]*\n\n\w", line)
        self.assertEqual(self.client.ask("DEFINE wn nosuch"), "552 no match\n")


class Rich(SynchronousTestCase):
    """A dictionary with HTML, and with how often words are used."""

    def setUp(self) -> None:
        shelf = Shelf.fresh(self)
        shelf.put(
            "rich",
            [
                Entry(("penguin",), "penguin: a bird", html="<b>penguin</b>: a bird\n.dotted", frequency=3),
                Entry(("pendule",), "a clock", frequency=2),
                Entry(("pencil",), "to write", frequency=900),
                Entry(("stencil",), "to paint", frequency=5),
                Entry(("pensil",), "as Shakespeare wrote it"),
                *entries("pengo", "pengu", "pengk", "pengp", "tencil"),
            ],
        )
        house = House(shelf.directory)
        self.addCleanup(house.lexicon.close)
        self.client = house.welcome()


class Html(Rich):
    """OPTION HTML, which is ours."""

    def test_articles(self) -> None:
        """What has HTML comes as that, with its header and dots doubled; the rest as plain text with its own."""
        self.assertEqual(self.client.ask("OPTION HTML"), "250 ok - using MIME headers, and HTML where there is any\n")
        answer = self.client.ask("DEFINE rich penguin")
        self.assertIn(
            "Content-type: text/html; charset=utf-8\nContent-transfer-encoding: 8bit\n\n"
            "<b>penguin</b>: a bird\n..dotted\n.\n250 ok\n",
            answer,
        )
        self.assertIn("text/plain; charset=utf-8\n", self.client.ask("DEFINE rich pencil"))
        self.assertIn("112 information for rich\nContent-type: text/plain", self.client.ask("SHOW INFO rich"))

    def test_only_when_asked_for(self) -> None:
        """OPTION MIME alone brings no HTML: there are clients that show what comes as it is."""
        self.client.ask("OPTION MIME")
        self.assertIn("text/plain; charset=utf-8\n", self.client.ask("DEFINE rich penguin"))


class Suggestions(Rich):
    """What a QUERY that finds nothing could have meant."""

    def test_most_used_first(self) -> None:
        """The headwords one slip away: those used most first, then those with the same first letter."""
        self.assertEqual(self.client.ask("Q pencil."), self.client.ask("Q pencil"), "what is found needs no suggestion")
        self.assertEqual(self.client.ask("Q peencil"), '552 no match, perhaps: "pencil"\n')
        self.assertEqual(self.client.ask("Q sencil"), '552 no match, perhaps: "pencil" "stencil" "tencil"\n')

    def test_alike_in_sound(self) -> None:
        """Where nothing is one slip away, what is two away and sounds alike; never what only sounds alike."""
        self.assertEqual(self.client.ask("Q penngwin"), '552 no match, perhaps: "penguin"\n')
        for too_far in ("pinsole", "paynesyle"):
            self.assertEqual(self.client.ask(f"Q {too_far}"), "552 no match\n")
        self.assertEqual(self.client.ask("Q pencal"), '552 no match, perhaps: "pencil"\n', "pensil is farther")

    def test_five_at_most(self) -> None:
        """Five, and none for a word of one letter, to which all are near."""
        answer = self.client.ask("Q pengx")
        self.assertEqual(answer, '552 no match, perhaps: "pengk" "pengo" "pengp" "pengu"\n')
        self.assertEqual(self.client.ask("Q x"), "552 no match\n")
        self.assertEqual(self.client.ask("DEFINE * pengx"), "552 no match\n")

    def test_never_in_the_place_of_the_word(self) -> None:
        """A suggestion is only told: a member's history has the word that was asked, not found."""
        self.client.ask("REGISTER alice correct-horse")
        self.assertEqual(self.client.ask("Q peencil"), '552 no match, perhaps: "pencil"\n')
        self.assertIn(' * "peencil" 0\n', self.client.ask("HISTORY"))


class Empty(SynchronousTestCase):
    """A server without a dictionary."""

    def test_nothing(self) -> None:
        """SHOW DB is 554, look-ups find nothing, nothing breaks."""
        house = House(Path(self.mktemp()).absolute())
        client = house.welcome()
        self.assertEqual(client.codes("SHOW DB", "DEFINE * x", "MATCH * . x", "SHOW SERVER"), [554, 552, 552, 250])


class Limited(Dialogue):
    """MATCH is bounded and says so."""

    settings = Settings(limits=evolve(Settings().limits, matches=2))

    def test_more(self) -> None:
        """The last line tells that there were more."""
        answer = self.client.ask("MATCH * prefix p")
        self.assertTrue(answer.startswith("152 2 matches found\n"))
        self.assertTrue(answer.endswith(".\n250 ok, the first 2 of more\n"))


class MembersOnly(Dialogue):
    """anonymous = false."""

    settings = Settings(accounts=evolve(Settings().accounts, anonymous=False))

    def test_before_and_after_login(self) -> None:
        """Look-ups are 530 and SHOW DB 554 until somebody has logged in."""
        lines = ("DEFINE * penguin", "Q penguin", "MATCH * . p", "SHOW INFO wn", "SHOW DB")
        self.assertEqual(self.client.codes(*lines), [530, 530, 530, 530, 554])
        self.assertNotIn("WordNet", self.client.ask("SHOW SERVER"))
        self.assertEqual(self.client.codes("REGISTER alice correct-horse", *lines), [280] + [250] * 5)
        self.assertEqual(self.client.codes("LOGOUT", "Q penguin"), [285, 530])
