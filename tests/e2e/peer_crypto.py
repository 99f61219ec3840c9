"""The cryptography of protocol.md sections 5 to 7 once more, in Python and from the text alone,
for the peer of peer.py. Big integers in the open and no constant time: for tests only."""

import hashlib
import hmac
import pathlib
import secrets
import warnings

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESOCB3, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import (Encoding, NoEncryption, PrivateFormat,
                                                          PublicFormat)

warnings.filterwarnings("ignore", message="CAST5")

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"


class Refused(Exception):
    """A key, a ciphertext or a record is not valid."""


def read_vectors(name):
    """The sections of a file of tests/vectors: a list of (title, {key: value}), in their order."""
    sections = []
    for line in (VECTORS / name).read_text().splitlines():
        if line.startswith("["):
            sections.append((line[1:-1], {}))
        elif "=" in line and not line.startswith(";"):
            key, _, value = line.partition("=")
            sections[-1][1][key.strip()] = value.strip()
    return sections


# --- hashes ---------------------------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf_extract(salt, ikm):
    return hmac.digest(salt, ikm, "sha256")


def hkdf_expand(prk, info, size):
    out, block, i = b"", b"", 0
    while len(out) < size:
        i += 1
        block = hmac.digest(prk, block + info + bytes([i]), "sha256")
        out += block
    return out[:size]


def hkdf(salt, ikm, info, size):
    return hkdf_expand(hkdf_extract(salt, ikm), info, size)


# --- public keys, section 5 -----------------------------------------------------------------------

def label(index, sender, recipient):
    return b"SecureConn SYM-KEY-%d\0" % index + sender + recipient


def jacobi(a, n):
    a %= n
    result = 1
    while a:
        while a % 2 == 0:
            a //= 2
            if n % 8 in (3, 5):
                result = -result
        a, n = n, a
        if a % 4 == 3 and n % 4 == 3:
            result = -result
        a %= n
    return result if n == 1 else 0


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def mgf1(seed, size):
    return b"".join(sha256(seed + i.to_bytes(4, "big")) for i in range(-(-size // 32)))[:size]


class ElGamal:
    """ElGamal N over the groups of vectors/groups.ini."""

    def __init__(self, name):
        group = dict(read_vectors("groups.ini"))[name]
        self.name = name
        self.p = int(group["p"], 16)
        self.k = len(group["p"]) // 2
        self.bits = int(group["exponent_bits"])

    def _bytes(self, number):
        return number.to_bytes(self.k, "big")

    def _member(self, number):
        return 2 <= number <= self.p - 2 and jacobi(number, self.p) == 1

    def generate(self):
        private = 1 + secrets.randbelow(2 ** self.bits - 1)
        return private.to_bytes(self.bits // 8, "big"), self._bytes(pow(2, private, self.p))

    def public(self, private):
        return self._bytes(pow(2, int.from_bytes(private, "big"), self.p))

    def check_public(self, public):
        if len(public) != self.k or not self._member(int.from_bytes(public, "big")):
            raise Refused("public key")

    def encrypt(self, public, lab, m):
        size = self.k - 66
        if len(m) > size:
            raise Refused("too long for OAEP")
        r = 1 + secrets.randbelow(2 ** self.bits - 1)
        c1 = self._bytes(pow(2, r, self.p))
        seed = secrets.token_bytes(32)
        db = sha256(lab + c1) + bytes(size - len(m)) + b"\1" + m
        masked = xor(db, mgf1(seed, len(db)))
        em = int.from_bytes(b"\0" + xor(seed, mgf1(masked, 32)) + masked, "big")
        if jacobi(em, self.p) != 1:
            em = self.p - em
        y = int.from_bytes(public, "big")
        return c1 + self._bytes(em * pow(y, r, self.p) % self.p)

    def decrypt(self, private, lab, ciphertext, m_size):
        if len(ciphertext) != 2 * self.k:
            raise Refused("length")
        c1, c2 = (int.from_bytes(ciphertext[i:i + self.k], "big") for i in (0, self.k))
        if not (self._member(c1) and self._member(c2)):
            raise Refused("not in the group")
        x = int.from_bytes(private, "big")
        em = c2 * pow(pow(c1, x, self.p), -1, self.p) % self.p
        if em > (self.p - 1) // 2:
            em = self.p - em
        em = self._bytes(em)
        seed = xor(em[1:33], mgf1(em[33:], 32))
        db = xor(em[33:], mgf1(seed, self.k - 33))
        m_hash, rest = db[:32], db[32:].lstrip(b"\0")
        if em[0] or m_hash != sha256(lab + ciphertext[:self.k]) or rest[:1] != b"\1" \
                or len(rest) != m_size + 1:
            raise Refused("OAEP")
        return rest[1:]


def x25519(private, public):
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Refused("all-zero X25519") from None


def x25519_pair():
    key = X25519PrivateKey.generate()
    return (key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()),
            key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


class X25519:
    name = "X25519"

    def generate(self):
        return x25519_pair()

    def public(self, private):
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(
            Encoding.Raw, PublicFormat.Raw)

    def check_public(self, public):
        if len(public) != 32 or int.from_bytes(public, "little") >= 2 ** 255 - 19:
            raise Refused("public key")
        x25519(b"\x55" * 32, public)

    def _keys(self, lab, ephemeral, public, z, size):
        okm = hkdf(ephemeral + public, z, lab, size + 32)
        return okm[:size], okm[size:]

    def encrypt(self, public, lab, m):
        private, ephemeral = x25519_pair()
        pad, mac = self._keys(lab, ephemeral, public, x25519(private, public), len(m))
        ct = xor(m, pad)
        return ephemeral + ct + hmac.digest(mac, ct, "sha256")[:16]

    def decrypt(self, private, lab, ciphertext, m_size):
        if len(ciphertext) != 48 + m_size:
            raise Refused("length")
        ephemeral, ct, tag = ciphertext[:32], ciphertext[32:-16], ciphertext[-16:]
        pad, mac = self._keys(lab, ephemeral, self.public(private), x25519(private, ephemeral),
                              m_size)
        if hmac.digest(mac, ct, "sha256")[:16] != tag:
            raise Refused("tag")
        return xor(ct, pad)


def asymmetric(name):
    return X25519() if name == "X25519" else ElGamal(name)


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def fingerprint(name, public):
    digest = sha256(b"SecureConn fingerprint\0" + name.encode() + b"\0" + public)[:20]
    number = int.from_bytes(digest, "big")
    text = "".join(ALPHABET[number >> (155 - 5 * i) & 31] for i in range(32))
    return "-".join(text[i:i + 4] for i in range(0, 32, 4))


# --- records, sections 6 and 7 --------------------------------------------------------------------

KEY_SIZE = {"AES 128": 16, "AES 256": 32, "ChaCha20-Poly1305": 32, "CAST-128": 16,
            "AES 128 OCB": 16, "AES 256 OCB": 32}
AEAD = {"AES 128": AESGCM, "AES 256": AESGCM, "ChaCha20-Poly1305": ChaCha20Poly1305,
        "AES 128 OCB": AESOCB3, "AES 256 OCB": AESOCB3}


class Channel:
    """One channel in one direction: its secret, epoch and keys."""

    def __init__(self, symmetric, number, secret, epoch=0):
        self.symmetric, self.number = symmetric, number
        self._set(secret, epoch)

    def _set(self, secret, epoch):
        self.secret, self.epoch, self.counter = secret, epoch, 0
        self.key = hkdf_expand(secret, b"key", KEY_SIZE[self.symmetric])
        self.iv = hkdf_expand(secret, b"iv", 8 if self.symmetric == "CAST-128" else 12)
        self.mac = hkdf_expand(secret, b"mac", 32)

    def extract(self, ikm):
        self._set(hkdf_extract(self.secret, ikm), self.epoch + 1)

    def ratchet(self):
        self._set(hkdf_expand(self.secret, b"SecureConn next", 32), self.epoch + 1)

    def _nonce(self, seq):
        return xor(self.iv, seq.to_bytes(12, "big"))

    def _cast_ctr(self, data):
        ecb = Cipher(algorithms.CAST5(self.key), modes.ECB()).encryptor()
        start = int.from_bytes(self.iv, "big") + self.counter
        n = -(-len(data) // 8)
        self.counter += n
        blocks = b"".join(((start + i) % 2 ** 64).to_bytes(8, "big") for i in range(n))
        return xor(data, ecb.update(blocks))

    def seal(self, seq, plaintext, head=None):
        head = head or bytes([self.number, self.epoch % 256]) + len(plaintext).to_bytes(2, "big")
        aad = head + seq.to_bytes(8, "big")
        if self.symmetric == "CAST-128":
            ct = self._cast_ctr(plaintext)
            return head + ct + hmac.digest(self.mac, aad + ct, "sha256")[:16]
        return head + AEAD[self.symmetric](self.key).encrypt(self._nonce(seq), plaintext, aad)

    def open(self, seq, head, body):
        """body: ciphertext and tag."""
        if head[0] != self.number or head[1] != self.epoch % 256:
            raise Refused("channel or epoch")
        if int.from_bytes(head[2:], "big") + 16 != len(body):
            raise Refused("length")
        aad = head + seq.to_bytes(8, "big")
        if self.symmetric == "CAST-128":
            if hmac.digest(self.mac, aad + body[:-16], "sha256")[:16] != body[-16:]:
                raise Refused("tag")
            return self._cast_ctr(body[:-16])
        try:
            return AEAD[self.symmetric](self.key).decrypt(self._nonce(seq), body, aad)
        except InvalidTag:
            raise Refused("tag") from None


class Direction:
    """What one side sends: two channels and one sequence number over both."""

    def __init__(self, symmetric, letter, bases):
        self.seq = 0
        self.channels = {i: Channel(symmetric, i, hkdf_expand(
            bases[i], b"SecureConn channel" + bytes([i]) + letter.encode(), 32)) for i in (1, 2)}

    def seal(self, channel, plaintext):
        record = self.channels[channel].seal(self.seq, plaintext)
        self.seq += 1
        return record

    def open(self, head, body):
        if head[0] not in self.channels:
            raise Refused("channel")
        plaintext = self.channels[head[0]].open(self.seq, head, body)
        self.seq += 1
        return plaintext


def transcript_hash(lines_i, lines_r):
    """Over all lines up to and including the ciphertext line of SYM-KEY-3, without its answer."""
    digest = lambda lines: sha256("".join(line + "\n" for line in lines).encode())
    return sha256(b"SecureConn transcript\0" + digest(lines_i) + digest(lines_r))


def directions(symmetric, th, key1, key2, key3):
    """Both directions in epoch 0, by the letter of the sender."""
    bases = {1: hkdf_extract(th, key1 + key3), 2: hkdf_extract(th, key2 + key3)}
    return {letter: Direction(symmetric, letter, bases) for letter in "IR"}


def mix_hello(both, shared, hello_i, hello_r):
    """Steps both directions into epoch 1. hello_i, hello_r: the payloads of the two HELLO
    frames."""
    hh = sha256(hello_i + hello_r)
    for direction in both.values():
        for channel in direction.channels.values():
            channel.extract(shared + hh)
    return hh
