"""The completion for bash, as bash uses it."""

import pathlib
import subprocess

FILE = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "completion" / "secureconn.bash"


def complete(*words):
    script = (f'source {FILE}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _secureconn; printf '
              f'"%s\\n" "${{COMPREPLY[@]}}"')
    done = subprocess.run(["bash", "-c", script, "bash", *map(str, words)], capture_output=True,
                          text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_commands():
    assert complete("secureconn", "re") == {"revoke", "reload", "renew"}
    assert {"init", "run", "status", "-c", "--help"} <= complete("secureconn", "")


def test_options_and_words():
    assert complete("secureconn", "status", "--") == {"--json", "--watch", "--help"}
    assert complete("secureconn", "log",
                    "") == {"error", "warning", "info", "debug", "--json", "--help"}
    assert complete("secureconn", "key", "e") == {"export"}


def test_peers_and_files(folder):
    ini = folder / "x.ini"
    ini.write_text("[node]\n[peer hq]\naddress = x:1\n;[peer no]\n[peer store-7]\n[route db]\n")
    assert complete("secureconn", "-c", ini, "renew", "") == {"hq", "store-7", "--json", "--help"}
    assert complete("secureconn", "-c", ini, "doctor", "s") == {"store-7"}
    assert complete("secureconn", "-c", f"{folder}/x") == {str(ini)}
    assert complete("secureconn", "trust", "hq", "--key", f"{folder}/x") == {str(ini)}
