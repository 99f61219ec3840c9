"""The Python peer against the vectors, before it may judge the program: it must know the
protocol by itself."""

import pytest

from peer_crypto import (Direction, Refused, asymmetric, directions, fingerprint, label, mix_hello,
                         read_vectors, transcript_hash, x25519)


def unhex(section, *keys):
    return [bytes.fromhex(section[key]) for key in keys]


def algorithm_of(title):
    return "X25519" if title.startswith("X25519") else " ".join(title.split()[:2])


@pytest.mark.parametrize("title, s",
                         [(t, s) for t, s in read_vectors("asymmetric.ini") if "case" in t])
def test_asymmetric(title, s):
    asym = asymmetric(algorithm_of(title))
    private, public, sender, m, ciphertext = unhex(s, "private", "public", "sender_public", "m",
                                                   "ciphertext")
    assert asym.public(private) == public
    asym.check_public(public)
    assert fingerprint(asym.name, public) == s["fingerprint"]
    lab = label(int(s["index"]), sender, public)
    assert asym.decrypt(private, lab, ciphertext, len(m)) == m
    assert asym.decrypt(private, lab, asym.encrypt(public, lab, m), len(m)) == m


@pytest.mark.parametrize("title, s",
                         [(t, s) for t, s in read_vectors("asymmetric.ini") if "valid public" in t])
def test_public_keys(title, s):
    asym, public = asymmetric(algorithm_of(title)), bytes.fromhex(s["public"])
    if "invalid" in title:
        with pytest.raises(Refused):
            asym.check_public(public)
    else:
        asym.check_public(public)


@pytest.mark.parametrize("title, s",
                         [(t, s) for t, s in read_vectors("negative.ini") if "ciphertext:" in t])
def test_ciphertexts_to_be_refused(title, s):
    asym = asymmetric(algorithm_of(title))
    private, public, sender, ciphertext = unhex(s, "private", "public", "sender_public",
                                                "ciphertext")
    lab = label(int(s["index"]), sender, public)
    if s["opens"] == "yes":
        asym.decrypt(private, lab, ciphertext, int(s["m_length"]))
    else:
        with pytest.raises(Refused):
            asym.decrypt(private, lab, ciphertext, int(s["m_length"]))


CONVERSATIONS = read_vectors("conversations.ini")


@pytest.mark.parametrize("title, s", CONVERSATIONS, ids=[t for t, _ in CONVERSATIONS])
def test_conversation(title, s):
    """Both private keys known, everything else follows."""
    lines = [s[f"line_{i}"].split(" ", 1) for i in range(1, 100) if f"line_{i}" in s]
    asym, symmetric, client = asymmetric(s["asymmetric"]), s["symmetric"], s["client"]
    server = "R" if client == "I" else "I"
    private = {"I": bytes.fromhex(s["I_private"]), "R": bytes.fromhex(s["R_private"])}
    public = {who: asym.public(private[who]) for who in "IR"}
    for who, text in lines:
        if text.startswith("ASYM-KEY: "):
            assert public[who].hex() == text[10:]

    keys = []
    for index in (1, 2, 3):
        sender, recipient = (client, server) if index == 3 else (server, client)
        # With 1.1 a SYM-KEY-3 that was not used may come first; the one of the agreed algorithm
        # counts.
        text = [t for who, t in lines if who == sender and t.startswith(f"SYM-KEY-{index}: ")
                and not t.endswith("ACCEPTED")][-1]
        size = len(bytes.fromhex(s["key_1"]))
        m = asym.decrypt(private[recipient], label(index, public[sender], public[recipient]),
                         bytes.fromhex(text.split(": ")[1]), 2 * size)
        keys.append(m[:size])
    assert keys == unhex(s, "key_1", "key_2", "key_3")

    counted = lines
    if s["protocol"] == "SecureConn 1.0":
        last = max(i for i, (who, t) in enumerate(lines)
                   if who == client and t.startswith("SYM-KEY-3: "))
        counted = lines[:last + 1]
    else:
        counted = lines[:-2]
    th = transcript_hash(*([t for who, t in counted if who == letter] for letter in "IR"))
    assert th.hex() == s["th"]

    both = directions(symmetric, th, *keys)
    hello = {}
    for who in "IR":
        record = bytes.fromhex(s[f"hello_{who}"])
        hello[who] = both[who].open(record[:4], record[4:])[8:]
    shared = x25519(bytes.fromhex(s["ephemeral_I"]), hello["R"][1:33])
    assert shared == x25519(bytes.fromhex(s["ephemeral_R"]), hello["I"][1:33])
    mix_hello(both, shared, hello["I"], hello["R"])
    for who in "IR":
        for i in (1, 2):
            assert both[who].channels[i].secret.hex() == s[f"epoch1_secret_{i}_{who}"]
    for who, name in (("I", "ping_from_I"), ("R", "data_from_R")):
        record = bytes.fromhex(s[name])
        plaintext = both[who].open(record[:4], record[4:])
        both[who].seq -= 1
        both[who].channels[record[0]].counter = 0
        assert both[who].seal(record[0], plaintext) == record


RECORDS = read_vectors("records.ini")


@pytest.mark.parametrize("title, s", RECORDS, ids=[t for t, _ in RECORDS])
def test_records(title, s):
    bases = {1: bytes.fromhex(s["base_1"]), 2: bytes.fromhex(s["base_2"])}
    out, back = (Direction(title, s["direction"], bases) for _ in range(2))
    for i in range(1, 100):
        step = s.get(f"step_{i}", "end").split()
        if step[0] == "record":
            plaintext, record = unhex(s, f"step_{i}_plain", f"step_{i}_record")
            assert out.seal(int(step[2]), plaintext) == record
            assert back.open(record[:4], record[4:]) == plaintext
        elif step[0] == "ratchet":
            for direction in (out, back):
                direction.channels[int(step[2])].ratchet()
            assert out.channels[int(step[2])].secret.hex() == s[f"step_{i}_secret"]
        elif step[0] == "extract":
            for direction in (out, back):
                for channel in direction.channels.values():
                    channel.extract(bytes.fromhex(s[f"step_{i}_ikm"]))
    assert out.seq > 5


NEGATIVE = [(t, s) for t, s in read_vectors("negative.ini") if " record: " in t]


@pytest.mark.parametrize("title, s", NEGATIVE, ids=[t for t, _ in NEGATIVE])
def test_records_to_be_refused(title, s):
    direction = Direction(title.split(" record")[0], s["direction"],
                          {1: bytes.fromhex(s["base_1"]), 2: bytes.fromhex(s["base_2"])})
    direction.seq = int(s["seq"])
    record = bytes.fromhex(s["record"])
    if s["opens"] == "yes":
        direction.open(record[:4], record[4:])
    else:
        with pytest.raises(Refused):
            direction.open(record[:4], record[4:])
