"""The table of attacks of someone in the middle: what each does, and what the victims' logs must
say. Run as a program, it prints the table as Markdown, a row for each family of attacks (--all:
for each attack; --long: with those of the long form)."""

import dataclasses
import sys

from adversary_moves import (always, back, change, drop, elgamal, fin, flip, forge, forged,
                             from_old, inject, instead, line, new_head, nth, parties, passed,
                             play_i, play_r, reflect, repeat, rerandomise, rst, script, show,
                             show_bytes, splice_live, stall, swap, to_both, truncate, with_next)
from adversary_wire import OTHER
from peer_crypto import asymmetric

BOTH = {"asymmetric": "X25519, ElGamal 2048"}
ELGAMAL = {"asymmetric": "ElGamal 2048, X25519"}
I_IS_S = {"symmetric": "AES 256, AES 128"}  # R suggests the name that is agreed

# What each side says: in SecureConn 1.0 when I has suggested all names; when R has suggested the
# last one, from there on; in 1.1.
LINES = {
    "1.0": {
        "I": [
            "SecureConn", "ASYM", "SYM", "ASYM-KEY", "ASYM-KEY ACCEPTED", "SYM-KEY-1: ACCEPTED",
            "SYM-KEY-2: ACCEPTED", "SYM-KEY-3"
        ],
        "R": [
            "SecureConn", "ASYM", "SYM", "ASYM-KEY", "ASYM-KEY ACCEPTED", "SYM-KEY-1", "SYM-KEY-2",
            "SYM-KEY-3: ACCEPTED"
        ]
    },
    "I is S": {
        "I": ["ASYM-KEY", "ASYM-KEY ACCEPTED", "SYM-KEY-1", "SYM-KEY-2", "SYM-KEY-3: ACCEPTED"],
        "R": [
            "ASYM-KEY", "ASYM-KEY ACCEPTED", "SYM-KEY-1: ACCEPTED", "SYM-KEY-2: ACCEPTED",
            "SYM-KEY-3"
        ]
    },
    "1.1": {
        "I": [
            "SecureConn", "ASYM", "SYM", "ASYM-KEY-ID", "SYM-KEY-3", "END", "SYM-KEY-1: ACCEPTED",
            "SYM-KEY-2: ACCEPTED"
        ],
        "R": [
            "SecureConn", "ASYM", "SYM", "ASYM-KEY-ID", "SYM-KEY-3: ACCEPTED", "SYM-KEY-1",
            "SYM-KEY-2"
        ]
    }
}
# Records and how long they are at least; the last two come when the link is up and a connection is
# opened.
RECORDS = {
    "HELLO": {
        "I": 75,
        "R": 72
    },
    "SESSION": {
        "I": 37,
        "R": 37
    },
    "control": {
        "I": 29,
        "R": 8
    },
    "DATA": {
        "I": 32,
        "R": 32
    }
}
LATE = ("control", "DATA")
NAMES = {"store": "I", "hq": "R"}


@dataclasses.dataclass(frozen=True)
class Attack:
    family: str
    variant: str
    # () -> act, for Conversation; with `calls`: () -> function(adversary) -> its address
    begin: callable
    # the errors that store's log may show, "|" in between; "down:" before one of a link that was up
    store: str = ""
    hq: str = ""
    config: dict = dataclasses.field(default_factory=dict)
    spoken: str = "1.0"
    late: bool = False      # only when the link is up
    calls: bool = False     # nobody is in the middle: the adversary dials hq itself
    size: int = 24          # of what a client sends then
    redial: bool = False    # someone wants a link again at once
    shows_key: bool = False  # an unknown key is shown, and may be noted for the operator
    agreed: tuple = ("X25519", "AES 128")  # afterwards, between honest nodes

    @property
    def name(self):
        return f"{self.family}: {self.variant}"


FAMILIES = {}  # what the attacks of a family do, in the order of the table


def family(name, what):
    FAMILIES[name] = what
    return name


# --- lines ----------------------------------------------------------------------------------------

OPERATIONS = {
    family("a line is changed", "changes the last character of a line"): change,
    family("a line is dropped", "swallows a line"): drop,
    family("a line is repeated", "says a line twice"): repeat,
    family("lines are reordered", "says a line before it is due, as it was in an earlier "
                                  "conversation"): None,
    family("a line is truncated", "passes on half of a line and ends the connection"): truncate}


def early(protocol):
    """The line that is next, of an earlier conversation, goes in front."""
    def move(c, item):
        kinds = LINES[protocol][item.direction]
        return [
            c.home.old(protocol, item.direction, kinds[(item.number + 1) % len(kinds)]), item.data
        ]
    return move


U, X, T = "line_unexpected", "truncated", "timeout|truncated"
UP = "down:truncated"  # the link was up at this end, and is lost
TAG, KEY, REFUSED = "record_tag", "session_key", "session_key_refused"
NO_KEY, REJECTED = "key_not_verified", "key_rejected"
# What store and hq say of each line of LINES, in that order.
LINE_ENDS = {
    ("1.0", "a line is changed"): {
        "I": [(T, T), (X, U), (X, U), (REJECTED, NO_KEY), (X, U), (X, U), (X, U), (REFUSED, KEY)],
        "R": [("no_protocol", U), ("no_asymmetric", U), (X, U), (NO_KEY, REJECTED), (U, X),
              (KEY, REFUSED), (KEY, REFUSED), (U, UP)]
    },
    ("1.0", "a line is dropped"): {
        "I": [(T, T)] * 5 + [(X, U), (X, U), (X, "line_byte")],
        "R": [(T, T)] * 4 + [(U, X), (U, X), (T, T), ("line_byte", UP)]},
    ("1.0", "a line is repeated"): {
        "I": [(X, U)] * 7 + [(UP, "record_channel")],
        "R": [(U, X)] * 6 + [(U, UP), ("record_channel", UP)]},
    ("1.0", "lines are reordered"): {
        "I": [(T, T)] + [(X, U)] * 7,
        "R": [("no_protocol", U)] + [(U, X)] * 6 + [(U, UP)]},
    ("1.0", "a line is truncated"): {"I": [(X, X)] * 8, "R": [(X, X)] * 7 + [(X, UP)]},
    ("I is S", "a line is changed"): {
        "I": [(REJECTED, NO_KEY), (X, U), (REFUSED, KEY), (REFUSED, KEY), (UP, U)],
        "R": [(NO_KEY, REJECTED), (U, X), (U, X), (U, X), (KEY, REFUSED)]},
    ("I is S", "a line is repeated"): {
        "I": [(X, U), (X, U), (X, U), (UP, U), (UP, "record_channel")],
        "R": [(U, X), (U, X), (U, X), (U, X), ("record_channel", UP)]},
    ("1.1", "a line is changed"): {
        "I": [(X, U)] + [(TAG, TAG)] * 3 + [(REFUSED, KEY), (T, T), (UP, U), (UP, U)],
        "R": [(U, U)] + [(U, X)] * 4 + [(KEY, REFUSED)] * 2},
    ("1.1", "a line is dropped"): {
        "I": [(U, "no_protocol")] + [(TAG, TAG)] * 4 + [(T, T), (UP, U), (UP, "line_byte")],
        "R": [("no_protocol", U)] + [(U, X)] * 5 + [("line_byte", X)]},
    ("1.1", "a line is repeated"): {
        "I": [(TAG, TAG)] * 5 + [(UP, U), (UP, U), (UP, "record_channel")],
        "R": [(U, X)] * 6 + [("record_channel", UP)]},
    ("1.1", "lines are reordered"): {
        "I": [(U, "no_protocol")] + [(TAG, TAG)] * 3 + [(U, "no_protocol"), (TAG, TAG), (UP, U),
                                                        (UP, U)],
        "R": [("no_protocol", U)] + [(U, X)] * 6
    },
    ("1.1", "a line is truncated"): {
        "I": [(X, X)] * 6 + [(UP, X)] * 2,
        "R": [(X, X)] * 7
    }
}


def lines():
    for protocol, sides in LINES.items():
        for operation, move in OPERATIONS.items():
            if protocol == "I is S" and move not in (change, repeat):
                continue
            for direction, kinds in sides.items():
                for kind, (store, hq) in zip(kinds, LINE_ENDS[protocol, operation][direction],
                                             strict=True):
                    yield Attack(operation, f"{kind} of {direction}, {protocol}",
                                 script((direction, kind, move or early(protocol))), store, hq,
                                 spoken="1.1" if protocol == "1.1" else "1.0",
                                 shows_key=kind == "ASYM-KEY",
                                 config=I_IS_S if protocol == "I is S" else {})


# --- negotiation ----------------------------------------------------------------------------------

def negotiation():
    f = family("a downgrade, seen by both",
               "removes the best name, so that both agree on another one that both have")
    yield Attack(f, "ASYM", script(("I", "ASYM", back("ASYM: RSA 4096"))), TAG, TAG, BOTH)
    yield Attack(f, "SYM", script(("I", "SYM", back("SYM: DES"))), TAG, TAG)
    yield Attack(f, "SYM, I is S", script(("R", "SYM", back("SYM: DES"))), X, "suggested_twice",
                 I_IS_S)
    yield Attack(f, "Meta, no other name is there",
                 script(("I", "SecureConn", back("SecureConn 0.9"))), "no_protocol", "no_protocol")

    f = family("a downgrade, seen by one",
               "replaces a suggestion for one side and hides that from the other")
    for kind, worse, better, store, hq in (
            ("SYM", "CAST-128", "AES 128", TAG, TAG),
            ("SYM", "ChaCha20-Poly1305", "AES 128", KEY, REFUSED),
            ("ASYM", "ElGamal 2048", "X25519", X, "public_key")):
        yield Attack(
            f, f"{kind} of I: {worse}",
            script(("I", kind, instead(f"{kind}: {worse}")),
                   ("R", kind, instead(f"{kind}: {better}"))), store, hq)
        yield Attack(f, f"{kind} of R: {worse}", script(("R", kind, instead(f"{kind}: {worse}")),
                                                       ("I", kind, passed), ("I", kind, drop)),
                     T, T, BOTH)
    yield Attack(f, "ASYM of I: ElGamal 1024", script(("I", "ASYM", instead("ASYM: ElGamal 1024"))),
                 X, U)
    yield Attack(f, "SecureConn of I: 0.9", script(("I", "SecureConn", instead("SecureConn 0.9"))),
                 U, "no_protocol")

    f = family("NONE", "says NONE, in place of a line of each negotiation, to either side")
    for kind, prefix, error in (("SecureConn", "", "no_protocol"),
                                ("ASYM", "ASYM: ", "no_asymmetric"), ("SYM", "SYM: ",
                                                                      "no_symmetric")):
        yield Attack(f, f"{kind}, to I", script(("R", kind, instead(prefix + "NONE"))), error, X)
        yield Attack(f, f"{kind}, to R", script(("I", kind, instead(prefix + "NONE"))), X, error)

    f = family("the same name again", "suggests an unknown name twice")
    yield Attack(f, "to I",
                 script(("I", "ASYM", back("ASYM: RSA")), ("I", "ASYM", back("ASYM: RSA"))),
                 "suggested_twice", T, BOTH)
    yield Attack(f, "to R",
                 script(("I", "ASYM", instead("ASYM: RSA")), ("R", "ASYM", back("ASYM: RSA"))), T,
                 "suggested_twice")

    f = family("names without end", "suggests unknown names, more than 64")
    yield Attack(
        f, "to R",
        script(
            ("I", "SecureConn", lambda c, item: [line(f"SecureConn {i}.9") for i in range(2, 80)])),
        "line_unexpected|truncated|no_protocol", "no_protocol")

    f = family("roles",
               "makes both sides clients, or both servers, by agreeing with each separately")
    yield Attack(
        f, "both are C",
        script(("I", "ASYM", instead("ASYM: RSA 4096")), ("R", "ASYM", to_both("ASYM: X25519"))), T,
        T)
    yield Attack(f, "both are S", both_are_servers(), TAG, TAG,
                 {"asymmetric": "ElGamal 2048, X25519"}, agreed=("ElGamal 2048", "AES 128"))


def both_are_servers():
    """The adversary is the client of both, with the public key of the other; all but HELLO needs
    no private key."""
    def key(c, item):
        c.say(OTHER[item.direction], line("ASYM-KEY: " + parties(c, item.direction)[1].hex()))
        return []

    def session_key_3(c, item):
        other = OTHER[item.direction]
        c.say(other, line("SYM-KEY-2: ACCEPTED"), forged(c, other, 3))
        return []

    def hello(c, item):
        """They change places when both are there."""
        other = c.all(OTHER[item.direction], "HELLO")
        if other:
            c.say(OTHER[item.direction], other[0].data)
        return [item.data] if other else []

    steps = [("I", "ASYM", back("ASYM: X25519", "ASYM: X25519")),
             ("I", "ASYM", back("SYM: AES 128")), ("R", "ASYM", back("SYM: AES 128"))]
    for d in "IR":
        steps += [(d, "SYM", key), (d, "ASYM-KEY", back("ASYM-KEY ACCEPTED")),
                  (d, "ASYM-KEY ACCEPTED", drop), (d, "SYM-KEY-1", back("SYM-KEY-1: ACCEPTED")),
                  (d, "SYM-KEY-2", session_key_3), (d, "SYM-KEY-3: ACCEPTED", drop),
                  (d, "HELLO", hello)]
    return script(*steps)


# --- public keys ----------------------------------------------------------------------------------

BAD_X25519 = {
    "zero": bytes(32),
    "one": b"\1" + bytes(31),
    "not reduced": b"\xff" * 32,
    "of order 8": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    "too short": bytes(31)
}


def bad_elgamal():
    p = asymmetric("ElGamal 2048").p
    return {"zero": 0, "one": 1, "p - 1": p - 1, "p": p, "not in the group": p - 4}


def public_keys():
    f = family("a public key is swapped",
               "shows another valid key instead: one of its own, the other side's, a third peer's")
    yield Attack(f, "I's for its own", script(("I", "ASYM-KEY", show("own"))), REJECTED, NO_KEY,
                 shows_key=True)
    yield Attack(f, "R's for its own", script(("R", "ASYM-KEY", show("own"))), NO_KEY, REJECTED,
                 shows_key=True)
    yield Attack(f, "both for its own",
                 script(("I", "ASYM-KEY", show("own")), ("R", "ASYM-KEY", show("own"))), NO_KEY,
                 REJECTED, shows_key=True)
    yield Attack(f, "I's for R's", script(("I", "ASYM-KEY", show("hq"))), REJECTED, NO_KEY)
    yield Attack(f, "R's for I's", script(("R", "ASYM-KEY", show("store"))), NO_KEY, REJECTED)
    yield Attack(f, "both for the other's",
                 script(("I", "ASYM-KEY", show("hq")), ("R", "ASYM-KEY", show("store"))), NO_KEY,
                 REJECTED)
    yield Attack(f, "I's for a third peer's", script(("I", "ASYM-KEY", show("other"))), KEY,
                 REFUSED)
    yield Attack(f, "R's for a third peer's", script(("R", "ASYM-KEY", show("other"))), NO_KEY,
                 REJECTED)
    for name, ends in (("I", (REJECTED, NO_KEY)), ("R", (NO_KEY, REJECTED))):
        yield Attack(f, f"{name}'s for its own, ElGamal",
                     script((name, "ASYM-KEY", show("own", "ElGamal 2048"))), *ends, ELGAMAL,
                     shows_key=True)  # what was rejected goes to the end of I's list

    f = family("a public key that is none", "shows numbers that are no valid key")
    for what, data in BAD_X25519.items():
        yield Attack(f, f"X25519, {what}, to R", script(("I", "ASYM-KEY", show_bytes(data))), X,
                     "public_key")
        yield Attack(f, f"X25519, {what}, to I", script(("R", "ASYM-KEY", show_bytes(data))),
                     "public_key", X)
    for what, number in bad_elgamal().items():
        data = number.to_bytes(256, "big")
        yield Attack(f, f"ElGamal, {what}, to R", script(("I", "ASYM-KEY", show_bytes(data))), X,
                     "public_key", ELGAMAL, agreed=("ElGamal 2048", "AES 128"))
        yield Attack(f, f"ElGamal, {what}, to I", script(("R", "ASYM-KEY", show_bytes(data))),
                     "public_key", X, ELGAMAL, agreed=("ElGamal 2048", "AES 128"))

    f = family(
        "a verdict is changed",
        "turns ACCEPTED into REJECTED, or REJECTED (of a key that it swapped) into ACCEPTED")
    for d, other in (("I", "R"), ("R", "I")):
        no = script((d, "ASYM-KEY ACCEPTED", instead("ASYM-KEY REJECTED - Not authorized")))
        yes = script((other, "ASYM-KEY", show("own")),
                     (d, "ASYM-KEY REJECTED", instead("ASYM-KEY ACCEPTED")))
        store, hq = (X, REJECTED) if d == "I" else (REJECTED, X)
        yield Attack(f, f"of {d} into REJECTED", no, store, hq)
        store, hq = (NO_KEY, X) if d == "I" else (X, NO_KEY)
        yield Attack(f, f"of {d} into ACCEPTED", yes, store, hq, shows_key=True)


# --- session keys ---------------------------------------------------------------------------------

def session_keys():
    ends = {1: (KEY, REFUSED), 2: (KEY, REFUSED),
            3: (REFUSED, KEY)}
    of = {1: "R", 2: "R", 3: "I"}
    f = family("an ElGamal ciphertext is re-randomised",
               "multiplies c1 by g^s and c2 by y^s, or plays with signs and factors")
    for index in (1, 2, 3):
        for what, make in (("c1 g^s, c2 y^s", rerandomise), ("-M'", lambda c1, c2, p, y: (c1, -c2)),
                           ("-c1", lambda c1, c2, p, y:
                            (-c1, c2)), ("4 M'", lambda c1, c2, p, y:
                                         (c1, 4 * c2)), ("1, c2", lambda c1, c2, p, y:
                                                         (1, c2)), ("c1, 0", lambda c1, c2, p, y:
                                                                    (c1, 0))):
            yield Attack(f, f"SYM-KEY-{index}, {what}",
                         script((of[index], f"SYM-KEY-{index}", elgamal(make))), *ends[index],
                         ELGAMAL, agreed=("ElGamal 2048", "AES 128"))

    f = family("ciphertexts are exchanged",
               "gives a ciphertext the place of another one of the same conversation")
    yield Attack(f, "SYM-KEY-1 and -2", with_next("R", "SYM-KEY-1", exchange), KEY, REFUSED)
    yield Attack(f, "SYM-KEY-3 is R's SYM-KEY-1", script(("I", "SYM-KEY-3", lambda c, item: [
        line("SYM-KEY-3: " + c.all("R", "SYM-KEY-1")[0].value.hex())])), REFUSED, KEY)

    f = family("ciphertexts of an earlier session",
               "puts in a ciphertext that the receiver can open, from a recording")
    for index in (1, 2, 3):
        yield Attack(f, f"SYM-KEY-{index}", script(
            (of[index], f"SYM-KEY-{index}", from_old("1.0"))), TAG, TAG)
    yield Attack(f, "all three",
                 script(*((of[i], f"SYM-KEY-{i}", from_old("1.0")) for i in (1, 2, 3))), TAG, TAG)

    f = family("session keys of the adversary",
               "encrypts keys that it knows to the receiver's public key")
    for index in (1, 2, 3):
        yield Attack(f, f"SYM-KEY-{index}", script((of[index], f"SYM-KEY-{index}", forge)), TAG,
                     TAG)
    yield Attack(f, "all three", script(*((of[i], f"SYM-KEY-{i}", forge) for i in (1, 2, 3))), TAG,
                 TAG)

    f = family(
        "an answer is changed",
        "turns ACCEPTED into ERROR, or ERROR (of a ciphertext that it changed) into ACCEPTED")
    for index in (1, 2):
        yield Attack(
            f, f"SYM-KEY-{index} into ERROR",
            script(("I", f"SYM-KEY-{index}: ACCEPTED", instead(f"SYM-KEY-{index}: ERROR"))), X,
            REFUSED)
        yield Attack(
            f, f"SYM-KEY-{index} into ACCEPTED",
            script(("R", f"SYM-KEY-{index}", change),
                   ("I", f"SYM-KEY-{index}: ERROR", instead(f"SYM-KEY-{index}: ACCEPTED"))), KEY, X)
    yield Attack(f, "SYM-KEY-3 into ERROR",
                 script(("R", "SYM-KEY-3: ACCEPTED", instead("SYM-KEY-3: ERROR"))), REFUSED, UP)
    yield Attack(f, "SYM-KEY-3 into ACCEPTED", script(("I", "SYM-KEY-3", change), (
        "R", "SYM-KEY-3: ERROR", instead("SYM-KEY-3: ACCEPTED"))), X, KEY)


def exchange(c, first, second):
    return [line("SYM-KEY-1: " + second.value.hex()), line("SYM-KEY-2: " + first.value.hex())]


# --- reflected, spliced, replayed -----------------------------------------------------------------

def reflections():
    f = family("reflection", "sends lines or records of a side back to it")
    yield Attack(f, "all of I",
                 always(lambda c, item: reflect(c, item) if item.direction == "I" else []), NO_KEY,
                 T)
    yield Attack(f, "HELLO of I for R's",
                 script(("R", "HELLO", lambda c, item: [c.all("I", "HELLO")[0].data])), TAG, UP)
    yield Attack(
        f, "HELLO of R for I's",
        script(("I", "HELLO", drop),
               ("R", "HELLO", lambda c, item: reflect(c, item) or [item.data])), UP, TAG)
    yield Attack(f, "DATA of I", script(("I", "DATA", reflect)), "down:record_tag", UP, late=True)
    yield Attack(f, "DATA of R", script(("R", "DATA", reflect)), UP, "down:record_tag", late=True)


def splices():
    f = family(
        "splice",
        "puts in the record that stood at the same place of an earlier session between the same two"
    )
    for kind in RECORDS:
        for d in "IR":
            yield Attack(f, f"{kind} of {d}", script((d, kind, from_old("1.0"))),
                         *record_ends(kind, d, TAG), late=kind in LATE)
    f = family("splice of two live links",
               "keeps R's end of a link open when I dials again, and pours the new link into it")
    yield Attack(f, "of I", splice_live, UP, "down:record_tag|down:stale", late=True, redial=True)


def replays():
    f = family("replay to I", "answers with all that R said in an earlier conversation")
    for protocol in ("1.0", "1.1"):
        yield Attack(f, f"{protocol}, in step", play_r(protocol), TAG, T, spoken=protocol)
        yield Attack(f, f"{protocol}, at once", play_r(protocol, in_step=False), TAG, T,
                     spoken=protocol)
    f = family(
        "replay to R",
        "dials R, while the honest link is up, and says all that I said in an earlier conversation")
    for protocol in ("1.0", "1.1"):
        yield Attack(f, f"{protocol}, in step", play_i(protocol), hq=TAG, calls=True)
        yield Attack(f, f"{protocol}, at once", play_i(protocol, in_step=False), hq=TAG, calls=True)
    yield Attack(f, "the first flight of 1.1", play_i("1.1", only=6), hq="timeout", calls=True)
    yield Attack(f, "half of the first flight of 1.1", play_i("1.1", only=3), hq="timeout",
                 calls=True)


# --- SecureConn 1.1 -------------------------------------------------------------------------------

def flights():
    def attack(f, variant, store, hq, *steps, **more):
        return Attack(f, variant, script(*steps), store, hq, spoken="1.1", **more)

    f = family("1.1: downgrade",
               "replaces names in a flight, or answers so that I goes back to 1.0")
    hide = [("I", kind, drop) for kind in ("SecureConn", "ASYM", "SYM", "ASYM-KEY-ID", "SYM-KEY-3")]
    yield attack(f, "the flight is hidden, 1.0 is spoken", TAG, TAG, *hide,
                 ("I", "END", instead("SecureConn 0.9")))
    yield attack(f, "I is answered NONE", "no_protocol", X, ("R", "SecureConn", instead("NONE")))
    yield attack(f, "SYM: CAST-128, unseen by I", TAG, TAG, ("I", "SYM", instead("SYM: CAST-128")),
                 ("R", "SYM", instead("SYM: AES 128")))
    yield attack(f, "SYM: ChaCha20-Poly1305, unseen by I", REFUSED, KEY,
                 ("I", "SYM", instead("SYM: ChaCha20-Poly1305")),
                 ("R", "SYM", instead("SYM: AES 128")))
    yield attack(f, "ASYM: ElGamal 2048", TAG, TAG, ("I", "ASYM", instead("ASYM: ElGamal 2048")))
    yield attack(f, "ASYM: ElGamal 1024", TAG, TAG, ("I", "ASYM", instead("ASYM: ElGamal 1024")))

    f = family("1.1: other keys", "puts other fingerprints or ciphertexts into a flight")
    yield attack(f, "the fingerprints are exchanged", TAG, TAG,
                 ("I", "ASYM-KEY-ID",
                  lambda c, item: [line("ASYM-KEY-ID: {1} {0}".format(*item.text.split()[1:]))]))
    yield attack(
        f, "I's fingerprint for a third peer's", REFUSED, KEY,
        ("I", "ASYM-KEY-ID",
         lambda c, item: [line(f"ASYM-KEY-ID: {c.home.prints['other']} {item.text.split()[2]}")]))
    yield attack(f, "SYM-KEY-3 of the adversary", TAG, TAG, ("I", "SYM-KEY-3", forge))
    yield attack(f, "SYM-KEY-3 of an earlier session", TAG, TAG,
                 ("I", "SYM-KEY-3", from_old("1.1")))
    for index in (1, 2):
        kind = f"SYM-KEY-{index}"
        yield attack(f, f"{kind} of the adversary", TAG, TAG, ("R", kind, forge))
        yield attack(f, f"{kind} of an earlier session", TAG, TAG, ("R", kind, from_old("1.1")))

    f = family("1.1: more than a flight", "adds to a flight")
    yield attack(f, "70 lines", X, "line_count",
                 ("I", "END", lambda c, item: [line("END OF")] * 70))
    yield attack(
        f, "a record behind END", UP, "line_byte",
        ("I", "END", lambda c, item: [item.data, c.home.old("1.1", "I", "HELLO")]))


# --- records --------------------------------------------------------------------------------------

def record_ends(kind, direction, error):
    """What both say when the receiver of a record finds that error; while it waits for more it
    says nothing, and what trickles in is a sign of life to it: the other side's patience ends
    first, or its own. One of them says so (adversary_bench.py)."""
    other = UP + ("|down:timeout" if "timeout" in error else "")
    mine = error if kind == "HELLO" else "|".join(
        "down:" + e for e in error.split("|")) + ("|" + UP if "timeout" in error else "")
    return (other, mine) if direction == "I" else (mine, other)


def flips(long):
    f = family(
        "a bit is flipped",
        "flips one bit of a record: of its head, ciphertext or tag, of each kind and direction")
    for kind, sides in RECORDS.items():
        for d, size in sides.items():
            for part, bits in {"head": 32, "ciphertext": 8 * size, "tag": 128}.items():
                sample = {
                    "head": (0, 8, 15, 23, 24),
                    "ciphertext": (0, bits - 1),
                    "tag": (0, 127)
                }[part]
                for bit in range(bits) if long else sample:
                    yield Attack(f, f"{kind} of {d}, {part} bit {bit}",
                                 script((d, kind, flip(part, bit))),
                                 *record_ends(kind, d, flip_error(kind, part, bit)), late=kind
                                 in LATE)


def flips_of_flights():
    f = "a bit is flipped"
    for part, error in (("head", "record_channel"), ("ciphertext", TAG), ("tag", TAG)):
        yield Attack(f, f"HELLO of I, 1.1, {part} bit 0", script(("I", "HELLO", flip(part, 0))), UP,
                     error, spoken="1.1")
        yield Attack(f, f"HELLO of R, 1.1, {part} bit 0", script(("R", "HELLO", flip(part, 0))),
                     error, f"{X}|{UP}", spoken="1.1")


def flip_error(kind, part, bit):
    if part != "head":
        return TAG
    if bit < 8:
        return "record_channel"
    if bit < 16:
        return "record_epoch"
    # Shorter: another tag is looked at. Longer: what comes next is taken for a part of it, if
    # something comes in time.
    return "record_tag|record_length|timeout" + ("|hello" if kind == "HELLO" else "")


RECORD_OPERATIONS = {
    family("a record is dropped", "swallows a record"): drop,
    family("a record is repeated", "passes on a record twice"): repeat,
    family("records are reordered", "passes on a record after the next one"): swap,
    family("a record is truncated", "passes on half of a record and ends the connection"): truncate}


def record_operations():
    for operation, move in RECORD_OPERATIONS.items():
        for kind, sides in RECORDS.items():
            for d in sides:
                begin = with_next(d, kind, swap) if move is swap else script((d, kind, move))
                yield Attack(operation, f"{kind} of {d}", begin,
                             *record_operation_ends(kind, d, move), late=kind in LATE)


def record_operation_ends(kind, direction, move):
    if move is truncate:
        return state_ends(kind, direction)
    if kind != "HELLO":
        return record_ends(kind, direction, TAG)
    if move is repeat:  # HELLO has opened: its end is up
        return record_ends("", direction, "record_epoch")
    return record_ends(kind, direction, "record_epoch|timeout")


def heads():
    f = family("a head is changed", "gives a record another channel, epoch or length")
    more = lambda n: n + 1
    for kind, d in (("DATA", "I"), ("DATA", "R"), ("control", "I"), ("HELLO", "I"), ("HELLO", "R")):
        channel = 1 if kind == "DATA" else 2
        for what, change_, error in (("the other channel", dict(channel=channel),
                                      "record_tag|hello"), ("channel 0", dict(channel=0),
                                                            "record_channel"), ("the next epoch",
                                                                                dict(epoch=more),
                                                                                "record_epoch"),
                                     ("the last epoch", dict(epoch=lambda e: e - 1),
                                      "record_epoch"), ("n = 0", dict(n=0), "record_length"),
                                     ("n = 7", dict(n=7), "record_length"),
                                     ("n - 1", dict(n=lambda n: n - 1), "record_tag|record_length"),
                                     ("n = 65535", dict(n=65535), "timeout|hello")):
            yield Attack(f, f"{kind} of {d}, {what}", script((d, kind, new_head(**change_))),
                         *record_ends(kind, d, error), late=kind in LATE)


def injections():
    f = family(
        "injection",
        "puts bytes of its own that look like a KEY_UPDATE, a RENEW or another record in front of "
        "a record or line"
    )
    same, following = (lambda epoch: epoch), (lambda epoch: epoch + 1)
    for d in "IR":
        for kind in ("HELLO", "SESSION", "DATA"):
            for what, channel, epoch, n in (("KEY_UPDATE", 1, same, 10), ("RENEW", 1, same, 40),
                                            ("DATA", 2, same, 100), ("a record of the next epoch",
                                                                     1, following, 16)):
                error = "record_epoch" if epoch is following else "hello" if (kind, channel) == (
                    "HELLO", 2) else TAG
                yield Attack(f, f"{what}, before {kind} of {d}",
                             script((d, kind, inject(channel, epoch, n))),
                             *record_ends(kind, d, error), late=kind in LATE)
        for kind in ("SecureConn", "ASYM-KEY ACCEPTED"):
            store, hq = (X, "line_byte") if d == "I" else ("line_byte", X)
            record = lambda c, item: [b"\1\1\0\x0a" + bytes(26), item.data]
            yield Attack(f, f"a record, before {kind} of {d}", script((d, kind, record)), store, hq)


def bulk():
    f = family(
        "much data",
        "damages, drops, repeats or truncates a record in the middle of a long transfer, or ends "
        "the connection there"
    )
    moves = {
        "changed": flip("ciphertext", 100),
        "dropped": drop,
        "repeated": repeat,
        "truncated": truncate,
        "the end": fin,
        "a reset": rst
    }
    for d in "IR":
        for what, move in moves.items():
            both = (UP, UP) if move in (truncate, fin, rst) else record_ends("DATA", d, TAG)
            yield Attack(f, f"DATA of {d}, {what}", nth(d, "DATA", 4, move), *both, late=True,
                         size=400_000)


def renewals():
    f = family(
        "renewal and ratchet",
        "damages, drops, repeats or truncates the records of a renewal and of a ratchet, as far as "
        "their "
        "size tells them apart")
    moves = {"changed": flip("ciphertext", 7), "dropped": drop, "repeated": repeat, X: truncate}
    for what, move in moves.items():
        for kind in ("RENEW", "LINE", "KEY_UPDATE"):
            for d in "IR":
                yield Attack(f, f"{kind} of {d}, {what}", script((d, kind, move)),
                             *renewal_ends(kind, d, move), {"rekey_after": "1s"}, late=True)
        yield Attack(f, f"KEY_UPDATE of I, a ratchet, {what}", script(("I", "KEY_UPDATE", move)),
                     *renewal_ends("ratchet", "I", move), {"ratchet_records": "2"}, late=True)


def renewal_ends(kind, direction, move):
    if move is truncate:
        return UP, UP
    # A KEY_UPDATE of the protocol channel changes that channel's epoch, one of the data channel the
    # other's.
    error = {
        "KEY_UPDATE": "record_epoch",
        "ratchet": "record_epoch|record_tag"
    }.get(kind) if move in (drop, repeat) else None
    return record_ends("", direction, error or TAG)


# --- ends and silence -----------------------------------------------------------------------------

def ends():
    for how, move, what in (("the end", fin, "ends the TCP connection (FIN)"),
                            ("a reset", rst, "resets the TCP connection"),
                            ("silence", stall, "passes on nothing any more")):
        f = family(how, f"{what}, in each state")
        states = [(kind, d, "1.0") for d, kinds in LINES["1.0"].items() for kind in kinds]
        states += [(kind, d, "1.0") for kind, sides in RECORDS.items() for d in sides]
        states += [("SecureConn", "I", "1.1"), ("SYM-KEY-3", "I", "1.1"), ("END", "I", "1.1"),
                   ("SecureConn", "R", "1.1"), ("SYM-KEY-1: ACCEPTED", "I", "1.1")]
        for kind, d, protocol in states:
            both = state_ends(kind, d, protocol)
            if move is stall:
                both = [e + "|timeout" for e in both]
            yield Attack(how, f"in place of {kind} of {d}, {protocol}", script((d, kind, move)),
                         *both, spoken=protocol, late=kind in LATE)


def state_ends(kind, direction, protocol="1.0"):
    """What both say when the connection is lost before that."""
    if protocol == "1.1":
        return (UP, X) if kind == "SYM-KEY-1: ACCEPTED" else (X, X)
    if (kind, direction) == ("HELLO", "I"):
        return f"{X}|{UP}", X  # R's HELLO does not wait for it
    if kind in ("HELLO", "SYM-KEY-3: ACCEPTED"):
        return X, UP
    return (UP, UP) if kind in RECORDS else (X, X)


def table(long=False):
    return [
        *lines(), *negotiation(), *public_keys(), *session_keys(), *reflections(), *splices(),
        *replays(), *flights(), *flips(long), *flips_of_flights(), *record_operations(), *heads(),
        *injections(), *bulk(), *renewals(), *ends()
    ]


# --- the table for readers ------------------------------------------------------------------------

def spoken_of(errors, side):
    """How the connection ends at a side, in the words of the log."""
    names = sorted({e.removeprefix("down:") for e in errors.split("|") if e})
    return f"{side}: {', '.join(names)}" if names else ""


def rows(long, single):
    """(name, what the adversary does, how it ends)"""
    groups = {}
    for attack in table(long):
        groups.setdefault(attack.name if single else attack.family, []).append(attack)
    for name, attacks in groups.items():
        ends = [
            spoken_of("|".join(getattr(a, node)
                               for a in attacks), side)
            for node, side in NAMES.items()
        ]
        yield name if single else f"{name} ({len(attacks)})", FAMILIES[
            attacks[0].family], "; ".join(e for e in ends if e)


def main():
    print("| attack | what the adversary does | how the connection ends, at I and at R |")
    print("|---|---|---|")
    for row in rows("--long" in sys.argv, "--all" in sys.argv):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
