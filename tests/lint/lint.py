#!/usr/bin/python3
"""Checks the rules of the house that a compiler does not: who may include whom, what the
sans-I/O layers may call, how long a file is, what lies where. Prints TAP, one line a check; exit
status 1 if one failed."""

import fnmatch
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

TOP_LEVEL = {"src", "conf", "tests", "contrib", "meson.build", "README.md", "LICENSE"}

# A folder and those whose headers it may use; src/README.md draws the same picture.
MAY_INCLUDE = {
    "base": set(),
    "crypto": {"base"},
    "keyring": {"base", "crypto"},
    "config": {"base", "crypto"},
    "secureconn": {"base", "crypto"},
    "tunnel": {"base", "crypto", "secureconn"},
    "proxy": {"base", "crypto", "keyring", "config", "secureconn", "tunnel"},
    "admin": {"base", "crypto", "keyring", "config", "secureconn", "tunnel", "proxy"},
    "cli": {"base", "crypto", "keyring", "config", "secureconn", "tunnel", "proxy", "admin"},
}

# A library's header and the files that may see it.
ONLY_IN = {
    r"uv\.h|uv/.*": r"(proxy|admin)/.*",
    r"gmp\.h": r"crypto/elgamal[^/]*\.[ch]",
    r"ini\.h": r"config/.*",
    r"nettle/.*": r"crypto/.*",
    r"gcrypt\.h": r"crypto/.*",
}

# secureconn/ and tunnel/ open nothing, read no clock and start no thread.
SANS_IO = {"secureconn", "tunnel"}
SANS_IO_HEADERS = re.compile(
    r"(sys/(socket|time|stat|select|epoll|un|uio|mman|random|types)|netinet/.*|arpa/.*|netdb|poll"
    r"|fcntl|unistd|time|pthread|threads|signal|dirent)\.h")
SANS_IO_CALLS = re.compile(
    r"(?<![\w.>])(socket|connect|accept|listen|bind|send|recv|sendto|recvfrom|open|openat|close"
    r"|read|write|fopen|fclose|fread|fwrite|printf|fprintf|time|clock|clock_gettime|gettimeofday"
    r"|nanosleep|sleep|usleep|getrandom|rand|random|getenv|pthread_\w+|thrd_\w+|mtx_\w+)\s*\(")
MUTABLE_GLOBAL = re.compile(
    r"^(?:static\s+)?(?!.*\bconst\b)(?!typedef|extern|struct \w+;|enum)"
    r"[a-z_][\w\s*]*[\s*]\w+(\[[^\]]*\])*\s*(=.*|;)$")

MAX_LINES = 400
MAX_COLUMNS = 100  # a tab goes to the next eighth, as in .clang-format

# Sources without a unit test of their own (the last part may be a pattern), each with where it is
# tested instead.
TESTED_ELSEWHERE = {
    "base/error.c": "tests/unit/base/test_util.c",
    "crypto/asym_self_test.c": "tests/unit/crypto/test_asym.c",
    "crypto/elgamal.c": "tests/unit/crypto/test_asym.c",
    # every implementation, by its descriptor
    "crypto/bulk_*.c": "tests/unit/crypto/test_bulk_vectors.c",
    "keyring/index.c": "tests/unit/keyring/test_keyring.c",
    "keyring/key_write.c": "tests/unit/keyring/test_key_file.c",
    "keyring/store_list.c": "tests/unit/keyring/test_store.c",
    # the steps of one machine
    "secureconn/handshake_*.c": "tests/unit/secureconn/test_handshake.c",
    "secureconn/renewal_when.c": "tests/unit/secureconn/test_renewal.c",
    "secureconn/keyroll_*.c": "tests/unit/secureconn/test_keyroll.c",
    "tunnel/trunk_events.c": "tests/unit/tunnel/test_trunk.c",
    "secureconn/conn_*.c": "tests/unit/secureconn/test_conn.c",
    # The glue between sockets and the layers below: only whole nodes show that it holds.
    "proxy/apply.c": "tests/e2e/test_reload.py",
    "proxy/branch.c": "tests/e2e/test_workers.py",
    "proxy/callers.c": "tests/e2e/test_hostile.py",
    "proxy/client.c": "tests/e2e/test_streams.py",
    "proxy/failover.c": "tests/e2e/test_failover.py",
    "proxy/session.c": "tests/e2e/test_survive.py",
    "proxy/session_find.c": "tests/e2e/test_survive.py",
    "proxy/dial.c": "tests/e2e/test_lifecycle.py",
    "proxy/letter.c": "tests/e2e/test_upgrade.py",
    "proxy/link*.c": "tests/e2e/test_wire.py",
    "proxy/listen_open.c": "tests/unit/proxy/test_listen.c",
    "proxy/local*.c": "tests/e2e/test_streams.py",
    "proxy/node.c": "tests/e2e/test_lifecycle.py",
    "proxy/own.c": "tests/e2e/test_own_links.py",
    "proxy/peer.c": "tests/e2e/test_lifecycle.py",
    "proxy/ports.c": "tests/e2e/test_reload.py",
    "proxy/reload.c": "tests/e2e/test_reload.py",
    "proxy/report.c": "tests/e2e/test_workers.py",
    "proxy/rolls*.c": "tests/e2e/test_keys.py",
    "proxy/route.c": "tests/e2e/test_streams.py",
    "proxy/service.c": "tests/e2e/test_streams.py",
    "proxy/collect.c": "tests/e2e/test_status.py",
    "proxy/renew.c": "tests/e2e/test_control.py",
    "proxy/round.c": "tests/e2e/test_status.py",
    "admin/act.c": "tests/e2e/test_control.py",
    "admin/admin.c": "tests/e2e/test_control.py",
    "admin/metrics.c": "tests/e2e/test_metrics.py",
    "admin/control.c": "tests/e2e/test_control.py",
    "cli/status.c": "tests/e2e/test_status.py",
    "cli/screen.c": "tests/e2e/test_status.py",
    "cli/doctor*.c": "tests/e2e/test_doctor.py",
    "cli/probe.c": "tests/e2e/test_doctor.py",
    "cli/report.c": "tests/e2e/test_doctor.py",
    "cli/reload.c": "tests/unit/cli/test_client.c",
    "cli/drain.c": "tests/unit/cli/test_client.c",
    "cli/stop.c": "tests/unit/cli/test_client.c",
    "cli/renew.c": "tests/unit/cli/test_client.c",
    "cli/log.c": "tests/unit/cli/test_client.c",
    "proxy/status.c": "tests/unit/admin/test_status_json.c",
    "proxy/stop.c": "tests/e2e/test_lifecycle.py",
    "proxy/tick.c": "tests/e2e/test_status.py",
    "proxy/upgrade.c": "tests/e2e/test_upgrade.py",
    "proxy/watch.c": "tests/e2e/test_first_contact.py",
    "proxy/worker*.c": "tests/e2e/test_workers.py",
    "cli/tty.c": "tests/e2e/test_first_contact.py",
    "cli/run.c": "tests/e2e/test_lifecycle.py",
}


def sources(*suffixes):
    return sorted(p for s in suffixes for p in (TOP / "src").rglob("*" + s))


def in_src(path):
    return path.relative_to(TOP / "src").as_posix()


def code_of(path):
    """The text without comments and without what strings hold, line numbers kept."""
    text = path.read_text()
    blank = lambda m: re.sub(r"[^\n]", " ", m.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if m:
            yield number, m.group(1) == '"', m.group(2)


def check_folders_see_only_those_below():
    for path in sources(".c", ".h"):
        folder = in_src(path).split("/")[0]
        if folder not in MAY_INCLUDE:
            yield f"{in_src(path)}: folder '{folder}' is not in the map of src/README.md"
            continue
        for number, own, name in includes(path):
            if not own:
                continue
            if "/" not in name:
                yield f'{in_src(path)}:{number}: "{name}" is written without its folder'
            elif name.split("/")[0] not in MAY_INCLUDE[folder] | {folder}:
                yield f'{in_src(path)}:{number}: {folder}/ may not include "{name}"'


def check_libraries_stay_in_their_folders():
    for path in sources(".c", ".h"):
        for number, _, name in includes(path):
            for header, where in ONLY_IN.items():
                if re.fullmatch(header, name) and not re.fullmatch(where, in_src(path)):
                    yield f"{in_src(path)}:{number}: <{name}> belongs in {where} only"


def check_sans_io_layers_do_no_io():
    for path in sources(".c", ".h"):
        if in_src(path).split("/")[0] not in SANS_IO:
            continue
        for number, _, name in includes(path):
            if SANS_IO_HEADERS.fullmatch(name):
                yield f"{in_src(path)}:{number}: <{name}> has no place in a sans-I/O layer"
        for number, line in enumerate(code_of(path).splitlines(), 1):
            m = SANS_IO_CALLS.search(line)
            if m:
                yield f"{in_src(path)}:{number}: {m.group(1)}() has no place in a sans-I/O layer"


def check_sans_io_layers_have_no_mutable_globals():
    for path in sources(".c"):
        if in_src(path).split("/")[0] not in SANS_IO:
            continue
        for number, line in enumerate(code_of(path).splitlines(), 1):
            if MUTABLE_GLOBAL.match(line):
                yield f"{in_src(path)}:{number}: a variable of the whole program: {line.strip()}"


def check_files_are_short():
    for path in sources(".c", ".h"):
        n = len(path.read_text().splitlines())
        if n > MAX_LINES:
            yield f"src/{in_src(path)}: {n} lines, more than {MAX_LINES}: find the two things in it"


def is_python(path):
    """Also one that its first line calls so."""
    if path.suffix:
        return path.suffix == ".py"
    return path.read_bytes()[:40].startswith((b"#!/usr/bin/python3", b"#!/usr/bin/env python3"))


def texts_of_code():
    for folder in ("src", "tests", "contrib"):
        for path in sorted((TOP / folder).rglob("*")):
            if path.is_file() and (re.fullmatch(r"\.[ch]", path.suffix) or is_python(path)):
                yield path


def check_lines_are_short():
    for path in texts_of_code():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            columns = len(line.expandtabs(8))
            if columns > MAX_COLUMNS:
                yield (f"{path.relative_to(TOP)}:{number}: {columns} columns, more than "
                       f"{MAX_COLUMNS}")


def check_files_open_with_a_comment():
    wanted = {".c": "/*", ".h": "/*"}
    for path in sorted(p for d in ("src", "tests") for p in (TOP / d).rglob("*.[ch]")):
        if not path.read_text().startswith(wanted[path.suffix]):
            yield f"{path.relative_to(TOP)}: does not say in a first comment what it is"
    for path in sorted((TOP / "tests").rglob("*.py")):
        if not re.match(r'(#!.*\n)?(\s*#[^!]|""")', path.read_text()):
            yield f"{path.relative_to(TOP)}: does not say in a first comment what it is"


def check_every_source_has_a_unit_test():
    used = set()
    for path in sources(".c"):
        name = in_src(path)
        if (TOP / "tests/unit" / pathlib.Path(name).parent / ("test_" + path.name)).exists():
            continue
        patterns = [p for p in TESTED_ELSEWHERE if fnmatch.fnmatchcase(name, p)]
        used.update(patterns)
        if not patterns:
            yield (f"src/{name}: no tests/unit/{name.replace('/', '/test_')}, and TESTED_ELSEWHERE "
                   "does not say why")
    for pattern, test in TESTED_ELSEWHERE.items():
        if pattern not in used:
            yield f"TESTED_ELSEWHERE: {pattern} is not needed any more"
        if not (TOP / test).exists():
            yield f"TESTED_ELSEWHERE: {pattern} is said to be tested by {test}, which is not there"


def check_top_level_is_as_agreed():
    try:
        listed = subprocess.run(["git", "-C", TOP, "ls-files", "-z"], capture_output=True,
                                text=True, check=True)
        have = {name.split("/")[0] for name in listed.stdout.split("\0") if name}
    except (OSError, subprocess.CalledProcessError):  # no git, or not a clone
        have = {p.name for p in TOP.iterdir() if not p.name.startswith("build")}
    have = {name for name in have if not name.startswith(".")}
    for name in sorted(have - TOP_LEVEL):
        yield f"{name}: not part of the agreed top level"
    for name in sorted(TOP_LEVEL - have):
        yield f"{name}: missing"


def check_headers_are_guarded_by_their_path():
    for path in sources(".h"):
        guard = "SC_" + re.sub(r"[^A-Z0-9]", "_", in_src(path).upper())
        if f"#ifndef {guard}\n#define {guard}\n" not in path.read_text():
            yield f"src/{in_src(path)}: the include guard should be {guard}"


def check_no_line_ends_in_blanks():
    for path in sources(".c", ".h"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line != line.rstrip():
                yield f"src/{in_src(path)}:{number}: ends in blanks"


def check_the_completion_is_as_the_table_of_commands():
    run = subprocess.run([sys.executable, TOP / "contrib" / "completion" / "generate", "--check"],
                         capture_output=True, text=True)
    if run.returncode != 0:
        yield run.stderr.strip()


def main():
    checks = [(name, f) for name, f in globals().items() if name.startswith("check_")]
    failed = 0
    print(f"1..{len(checks)}")
    for number, (name, check) in enumerate(checks, 1):
        problems = list(check())
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {number} - {name[6:].replace('_', ' ')}")
        for problem in problems:
            print(f"  {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
