"""Every expected trouble, one tree; each class carries its reply code.

A :class:`DictError` is an answer, not an accident: the line server sends its
code and text, ``dictctl`` prints its text and exits with 1. Codes without an
``8`` in the middle are those of RFC 2229; ``x8x`` are our own (section 2.4 of
the RFC keeps them for private extensions).
"""

from __future__ import annotations

from typing import ClassVar


class DictError(Exception):
    """Trouble that was foreseen.

    :param text: one line for the person who asked; the class has a default.
    """

    code: ClassVar[int] = 420
    default: ClassVar[str] = "server temporarily unavailable"

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.default)

    @property
    def text(self) -> str:
        """What to tell the client, without the code."""
        return str(self.args[0])


class Unavailable(DictError):
    """420: the server cannot serve this just now (RFC 2229 3.1)."""


class ShuttingDown(DictError):
    """421: the server closes the connection (RFC 2229 3.1)."""

    code = 421
    default = "server shutting down, good bye"


class BeginsAnew(ShuttingDown):
    """421 when a worker has given way to another."""

    default = "the server has begun anew, please connect again"


class IdleTooLong(ShuttingDown):
    """421 after a time-out."""

    default = "nothing heard for too long, good bye"


class Kicked(ShuttingDown):
    """421 because an administrator said so."""

    default = "the administrator has ended this connection"


class AccountChanged(ShuttingDown):
    """421 because the account was disabled or deleted, or has another password."""

    default = "your account was changed by the administrator, please connect again"


class Banned(ShuttingDown):
    """421 because an administrator does not want this network here."""

    default = "the administrator lets nobody in from this network"


class LoginTooLate(ShuttingDown):
    """421 for a connection that had a reserved place and did not log in."""

    default = "this place is for somebody who logs in, please try again in a minute, good bye"


class TooManyFaults(ShuttingDown):
    """421 behind the last of too many commands that were none."""

    default = "too many commands that are none, HELP lists those there are, good bye"


# The command itself -------------------------------------------------------


class UnknownCommand(DictError):
    """500: no such verb."""

    code = 500
    default = "unknown command, HELP lists those there are"


class LineTooLong(UnknownCommand):
    """500: more octets in a line than there may be (RFC 2229 2.3).

    :param most: how many there may be.
    """

    def __init__(self, most: int) -> None:
        super().__init__(f"line too long, {most} octets are the limit")


class BadArguments(DictError):
    """501: the verb is known, what follows it is not right."""

    code = 501
    default = "syntax error, illegal parameters"


class NotImplementedHere(DictError):
    """502: a verb of the RFC that this server does not offer."""

    code = 502
    default = "command not implemented"


class ParameterNotImplemented(DictError):
    """503: the verb is known, this parameter of it is not (RFC 2229 2.4.2)."""

    code = 503
    default = "command parameter not implemented"


class UnsafeStart(ParameterNotImplemented):
    """503: something stands behind STARTTLS, as if somebody on the way had put it there; the connection is closed."""

    default = "nothing may follow STARTTLS before its answer, good bye"


# Look-ups -----------------------------------------------------------------


class AccessDenied(DictError):
    """530: log in first."""

    code = 530
    default = "access denied, please LOGIN name password first"


class UnknownDatabase(DictError):
    """550: no such database."""

    code = 550
    default = "invalid database, use SHOW DB for list"


class UnknownStrategy(DictError):
    """551: no such strategy."""

    code = 551
    default = "invalid strategy, use SHOW STRAT for list"


class NoMatch(DictError):
    """552: nothing found."""

    code = 552
    default = "no match"


class NoDatabases(DictError):
    """554: nothing to show."""

    code = 554
    default = "no databases present"


# Accounts -----------------------------------------------------------------


class AccountsUnavailable(DictError):
    """480: the account store does not answer; look-ups go on."""

    code = 480
    default = "accounts are unavailable just now, please try again soon"


class TooManyAttempts(DictError):
    """481: the guesser waits.

    :param seconds: how long, rounded up.
    """

    code = 481

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts, try again in {seconds} seconds")
        self.seconds = seconds


class LoginFailed(DictError):
    """531: the same words for a wrong name and a wrong password."""

    code = 531
    default = "access denied, wrong name or password"


class LoginDelayed(LoginFailed):
    """531 in the same words, where a penalty is running and 481 cannot be said."""


class UnknownMechanism(DictError):
    """532: a way of SASLAUTH that is not offered; none is (RFC 2229 3.12)."""

    code = 532
    default = "access denied, unknown mechanism"


class NameTaken(DictError):
    """580: somebody has this name; of a key: you have this label."""

    code = 580
    default = "this name is taken, please choose another"


class NameNotAllowed(DictError):
    """581: not a name for an account, not a label for a key."""

    code = 581
    default = "a name has 2 to 32 letters, digits, dots, dashes or underscores"


class PasswordNotAllowed(DictError):
    """582: not a password for an account."""

    code = 582
    default = "a password has 8 to 512 bytes"


class RegistrationClosed(DictError):
    """583: no new accounts."""

    code = 583
    default = "registration is closed, ask the administrator for an account"


class NeedsTLS(DictError):
    """584: a secret would cross the network in the clear."""

    code = 584
    default = "this needs TLS, or the same machine as the server"


class TooManyKeys(DictError):
    """586: KEY NEW, when the user has as many keys as there may be."""

    code = 586
    default = "too many keys, KEY DROP one that you do not need"


class UnknownKey(DictError):
    """587: KEY DROP, when the user has no key of this label."""

    code = 587
    default = "you have no key of this label, KEY LIST shows those you have"


class InviteRefused(DictError):
    """588: REGISTER where one has to be invited, without a code that is good."""

    code = 588
    default = "a code is needed that somebody here has given you, and that is not used up: REGISTER name password code"


class InvitesNotUsed(DictError):
    """589: INVITE, where nobody needs a code, or a code helps nobody."""

    code = 589
    default = "codes are of no use here, as registration is not by invitation"


# Behind the wire ----------------------------------------------------------


class StoreUnavailable(AccountsUnavailable):
    """The database does not answer, is full or is locked."""


class OutcomeUnknown(StoreUnavailable):
    """The connection broke, or the time was over, while something was committed: perhaps it is done."""


class StoreAway(StoreUnavailable):
    """The database does not answer; when it does, all is well again by itself."""


class SchemaRefused(StoreUnavailable):
    """The tables of the database are not those of this program."""


class SettingsRefused(DictError):
    """The settings file has faults; the text lists them all."""


class ImportRefused(DictError):
    """A file is not what an importer can read; nothing was changed."""


class BackupRefused(DictError):
    """A backup is not whole, or cannot be made or brought back here; nothing was changed."""


class LexiconDamaged(DictError):
    """A lexicon file or the catalogue is not whole."""
