"""Queries on dictionaries and their generations, on a real database."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.model import Dictionary
from dictd.store import dictionaries
from dictd.store.dialect import Transaction
from dictd.store.dictionaries import DictionaryQueries, Live
from tests.store.databases import REFUSALS, Database, on_both

BIRDS = Dictionary("birds", "Birds", "About birds", "en", "de", "CC0", "birds.tsv")


def means(*numbers: int) -> list[tuple[int, str, str, str]]:
    """Articles with these numbers."""
    return [(number, f"text {number}", f"<p>{number}</p>", "{}") for number in numbers]


def words(*headwords: str) -> list[tuple[bytes, int, str, bytes, int, str, int]]:
    """Headwords of article 0."""
    return [
        (word.lower().encode(), seq, word, word.lower().encode(), 0, "main", 0) for seq, word in enumerate(headwords)
    ]


@on_both
class Generations(SynchronousTestCase):
    """The way of a generation from its import to its purge."""

    def setUp(self) -> None:
        """A fresh database of dictionaries."""
        self.database = Database.fresh(self, "dictionaries")
        self.run_ = self.database.run
        self.queries = DictionaryQueries(self.database.dialect)

    def begun(self, name: str = "birds", now: int = 1000) -> int:
        """A generation that is loading."""
        return self.run_(self.begin, name, now)

    def begin(self, txn: Transaction, name: str, now: int) -> int:
        """As an import does it."""
        self.queries.begin(txn)
        return self.queries.begin_generation(txn, name, f"{name}.tsv", "tabbed", "host 1 1", now)

    def filled(self, generation: int, *headwords: str) -> None:
        """Give a generation one article and headwords."""
        self.run_(self.queries.add_means, generation, means(0))
        self.run_(self.queries.add_words, generation, words(*headwords))
        self.assertTrue(self.run_(self.queries.progress, generation, 1, len(headwords), 2000))
        self.run_(self.queries.counted, generation, len(headwords))

    def imported(self, dictionary: Dictionary = BIRDS, *headwords: str) -> int:
        """A generation that is live."""
        generation = self.begun(dictionary.name)
        self.filled(generation, *(headwords or ("Penguin",)))
        self.assertIs(self.run_(self.queries.go_live, dictionary, generation), True)
        return generation

    def state(self, generation: int) -> str | None:
        """What state a generation is in; ``None`` when it is gone."""
        found = self.database.rows("SELECT state FROM generation WHERE id = ?", generation)
        return found[0][0] if found else None

    def read(self, generation: int) -> tuple[int, int]:
        """How many articles and headwords a generation has."""
        cursor = self.database.connection.cursor()
        articles = len(list(self.queries.read_means(cursor, generation)))
        return articles, len(list(self.queries.read_words(cursor, generation)))

    def names(self) -> list[str]:
        """The names of what can be read, in order."""
        return [live.dictionary.name for live in self.run_(self.queries.live)]

    def test_nothing_is_live_before_it_is_complete(self) -> None:
        """A generation that is loading is not seen by readers."""
        self.filled(self.begun(), "Penguin")
        self.assertEqual(self.run_(self.queries.live), [])

    def test_live_generation_is_told_whole(self) -> None:
        """All that is told of a dictionary comes back, with the figures of its generation."""
        generation = self.begun(now=1234)
        self.filled(generation, "Penguin", "Puffin")
        self.run_(self.queries.go_live, BIRDS, generation)
        self.assertEqual(self.run_(self.queries.live), [Live(BIRDS, generation, 2, 1, 1234, "tabbed")])

    def test_articles_are_read_by_number(self) -> None:
        """Articles stream in the order of their numbers, those of other generations left out."""
        generation, other = self.begun(), self.begun()
        self.run_(self.queries.add_means, generation, means(2, 0, 1))
        self.run_(self.queries.add_means, other, means(7))
        found = list(self.queries.read_means(self.database.connection.cursor(), generation))
        self.assertEqual(found, means(0, 1, 2))

    def test_headwords_are_read_by_key(self) -> None:
        """Headwords stream in the order of the bytes of their keys, equal ones as they came."""
        generation, other = self.begun(), self.begun()
        rows = [
            (b"b", 0, "B", b"b2", 4, "main", 12),
            ("é".encode(), 1, "É", b"e", 5, "main", 0),
            (b"a", 2, "a", b"a2", 6, "alt", 0),
            (b"a", 1, "A", b"a2", 7, "main", 999_999_999_999),
        ]
        self.run_(self.queries.add_words, generation, rows)
        self.run_(self.queries.add_words, other, words("other"))
        found = list(self.queries.read_words(self.database.connection.cursor(), generation))
        self.assertEqual(
            found,
            [
                (b"a", "A", b"a2", 7, 999_999_999_999),
                (b"a", "a", b"a2", 6, 0),
                (b"b", "B", b"b2", 4, 12),
                ("é".encode(), "É", b"e", 5, 0),
            ],
        )

    def test_begun_transaction_can_be_taken_back(self) -> None:
        """After begin() nothing of a batch is kept unless the caller commits."""
        generation = self.begun()
        cursor = self.database.connection.cursor()
        self.queries.begin(cursor)
        self.queries.add_means(cursor, generation, means(0, 1))
        self.queries.add_words(cursor, generation, words("a", "b"))
        self.database.connection.rollback()
        self.assertEqual(self.read(generation), (0, 0))

    def test_next_import_replaces_what_is_told_and_keeps_the_place(self) -> None:
        """A second import of a name makes its generation live, retires the first and keeps the order."""
        first = self.imported()
        self.imported(evolve(BIRDS, name="trees", title="Trees"), "Oak")
        second = self.begun()
        self.filled(second, "Owl", "Osprey", "Ouzel")
        newer = Dictionary("birds", "Birds, 2nd", "More", "fr", "it", "MIT", "birds2.tsv")
        self.assertTrue(self.run_(self.queries.go_live, newer, second))
        self.assertEqual(self.names(), ["birds", "trees"])
        live = self.run_(self.queries.live)[0]
        self.assertEqual((live.dictionary, live.generation, live.headwords), (newer, second, 3))
        self.assertEqual(self.run_(self.queries.dead), [first])

    def test_new_dictionaries_come_last(self) -> None:
        """The order is that of the first import; a name taken away and brought in again goes to the end."""
        for name in ("a", "c", "b"):
            self.imported(evolve(BIRDS, name=name))
        self.assertEqual(self.names(), ["a", "c", "b"])
        self.run_(self.queries.remove, "a")
        self.imported(evolve(BIRDS, name="a"))
        self.assertEqual(self.names(), ["c", "b", "a"])

    def test_progress_is_for_the_one_who_loads(self) -> None:
        """Progress is false, and go_live too, once somebody has given the generation up; nothing is changed."""
        live = self.imported()
        generation = self.begun()
        self.run_(self.queries.abandon, generation)
        self.assertIs(self.run_(self.queries.progress, generation, 5, 5, 5), False)
        self.assertIs(self.run_(self.queries.go_live, evolve(BIRDS, title="Stolen"), generation), False)
        self.assertEqual(self.state(generation), "dead")
        found = self.run_(self.queries.live)[0]
        self.assertEqual((found.generation, found.dictionary), (live, BIRDS))

    def test_generation_goes_live_once(self) -> None:
        """A generation that is live already cannot go live again."""
        generation = self.imported()
        self.assertIs(self.run_(self.queries.go_live, evolve(BIRDS, title="Again"), generation), False)
        self.assertEqual(self.run_(self.queries.live)[0].dictionary, BIRDS)

    def test_loading_import_of_the_same_name_is_not_retired(self) -> None:
        """Going live retires what was read before, not what somebody else is loading."""
        loading = self.begun()
        self.run_(self.queries.end_lease, loading)
        self.imported()
        self.assertEqual(self.state(loading), "loading")

    def test_removed_dictionary_is_not_read(self) -> None:
        """Taking a dictionary away hides it at once and leaves its rows to the purge; of others nothing is touched."""
        generation = self.imported()
        self.imported(evolve(BIRDS, name="trees"))
        self.assertIs(self.run_(self.queries.remove, "birds"), True)
        self.assertEqual(self.names(), ["trees"])
        self.assertEqual(self.run_(self.queries.dead), [generation])
        self.assertEqual(self.read(generation), (1, 1))

    def test_removing_what_is_not_there_is_false(self) -> None:
        """A name that nothing has is told apart."""
        self.imported()
        self.assertIs(self.run_(self.queries.remove, "trees"), False)
        self.assertEqual(self.names(), ["birds"])

    def test_import_that_nobody_holds_is_retired(self) -> None:
        """A loading generation without a lease is dead; those with one, and ready ones, are not."""
        live = self.imported()
        lost, held = self.begun("lost"), self.begun("held")
        self.run_(self.queries.end_lease, lost)
        self.run_(self.queries.retire_unleased)
        self.assertEqual([self.state(generation) for generation in (live, lost, held)], ["ready", "dead", "loading"])

    def test_one_import_at_a_time(self) -> None:
        """A second lease on a name is not given, and the first one stands; another name has its own."""
        first = self.begun()
        self.assertEqual(self.begun(), 0)
        other = self.begun("trees")
        self.assertEqual(
            [(one.name, one.generation, one.holder, one.taken) for one in self.run_(self.queries.leases)],
            [("birds", first, "host 1 1", 1000), ("trees", other, "host 1 1", 1000)],
        )

    def test_lease_ends(self) -> None:
        """Going live and giving up end the lease; progress renews it, and without it is none."""
        generation = self.begun()
        self.assertTrue(self.run_(self.queries.progress, generation, 1, 1, 5000))
        self.assertEqual([one.heartbeat for one in self.run_(self.queries.leases)], [5000])
        self.run_(self.queries.abandon, generation)
        self.assertEqual(self.run_(self.queries.leases), [])
        self.imported()
        self.assertEqual(self.run_(self.queries.leases), [])
        taken = self.begun()
        self.run_(self.queries.end_lease, taken)
        self.assertIs(self.run_(self.queries.progress, taken, 1, 1, 5000), False)

    def test_live_generation_cannot_be_abandoned(self) -> None:
        """Giving up an import that went live already, as a late Ctrl-C does, leaves the dictionary readable."""
        generation = self.imported()
        self.run_(self.queries.abandon, generation)
        self.assertEqual(self.names(), ["birds"])
        self.assertEqual(self.run_(self.queries.dead), [])

    def test_dead_are_listed_by_age(self) -> None:
        """Every dead generation is listed, the oldest first, and no other."""
        generations = [self.begun(f"birds{number}") for number in range(4)]
        for generation in (generations[2], generations[0]):
            self.run_(self.queries.abandon, generation)
        self.assertEqual(self.run_(self.queries.dead), [generations[0], generations[2]])

    def test_purge_goes_in_slices(self) -> None:
        """Each transaction deletes at most a slice; the last says so, and then the generation is gone."""
        self.patch(dictionaries, "SLICE", 3)
        kept = self.imported(evolve(BIRDS, name="trees"), "Oak", "Elm")
        generation = self.begun()
        self.run_(self.queries.add_means, generation, means(0, 1, 2, 3))
        self.run_(self.queries.add_words, generation, words("a", "b", "c", "d", "e", "f", "g"))
        self.run_(self.queries.abandon, generation)
        left = []
        while self.run_(self.queries.purge_slice, generation):
            left.append(self.read(generation))
            self.assertEqual(self.state(generation), "dead")
        self.assertEqual(left, [(4, 4), (4, 1), (4, 0), (1, 0), (0, 0)])
        self.assertIsNone(self.state(generation))
        self.assertEqual(self.run_(self.queries.dead), [])
        self.assertEqual(self.read(kept), (1, 2))
        self.assertEqual(self.names(), ["trees"])

    def test_purge_of_equal_keys_keeps_to_the_slice(self) -> None:
        """Headwords with one key are told apart by their number, so a slice is no larger for them."""
        self.patch(dictionaries, "SLICE", 2)
        generation = self.begun()
        self.run_(self.queries.add_words, generation, [(b"k", seq, "k", b"k", 0, "main", 0) for seq in range(5)])
        self.run_(self.queries.purge_slice, generation)
        self.assertEqual(self.read(generation), (0, 3))

    def test_generation_id_is_never_given_again(self) -> None:
        """A purged generation's number is not reused: files of the lexicon bear it."""
        generation = self.begun()
        self.run_(self.queries.abandon, generation)
        self.assertFalse(self.run_(self.queries.purge_slice, generation))
        self.assertGreater(self.begun(), generation)

    def test_same_article_twice_is_an_error(self) -> None:
        """Two articles of one number in a generation are refused, and the batch with them."""
        generation = self.begun()
        self.assertRaises(REFUSALS, self.run_, self.queries.add_means, generation, means(1, 1))
