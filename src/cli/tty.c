/* Knows the terminal: its modes, its signals, its cursor. What the keys mean is entry.c's. */
#include "cli/tty.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"

#define INDENT       9 /* as the own fingerprint above it */
#define LEAST_WIDTH  (INDENT + FINGERPRINT_SIZE)
#define NARROW_WIDTH FINGERPRINT_SIZE

static const int caught[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP};

struct tty {
	int in;
	FILE *out;
	unsigned indent;
	unsigned char ahead[256]; /* typed and not yet looked at */
	size_t n_ahead, next;
	struct sigaction former[ARRAY_SIZE(caught)];
};

/* For the signal handlers: the modes to go back to, and those while typing. */
static struct {
	int fd, out;
	struct termios cooked, raw;
} terminal;

static void catch_signals(struct sigaction *former);

/* Restores the terminal, lets the signal do what it always does, and goes on if that was only a
   pause. */
static void
on_signal(int number)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	int reason = errno;
	sigset_t only;

	tcsetattr(terminal.fd, TCSANOW, &terminal.cooked);
	if (write(terminal.out, "\r\n", 2) < 0)
		reason = EIO; /* the terminal is gone: nothing to tidy up */
	sigaction(number, &usual, NULL);
	sigemptyset(&only);
	sigaddset(&only, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &only, NULL); /* it acts here */
	sigprocmask(SIG_BLOCK, &only, NULL);
	catch_signals(NULL);
	tcsetattr(terminal.fd, TCSANOW, &terminal.raw);
	errno = reason;
}

/* A signal that somebody else ignores stays ignored. */
static void
catch_signals(struct sigaction *former)
{
	struct sigaction own = {.sa_handler = on_signal}, now;

	sigemptyset(&own.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++) {
		sigaction(caught[i], NULL, &now);
		if (former)
			former[i] = now;
		if (now.sa_handler != SIG_IGN)
			sigaction(caught[i], &own, NULL);
	}
}

static unsigned
width_of(int fd)
{
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static bool
is_dumb(void)
{
	const char *kind = getenv("TERM");
	return !kind || !kind[0] || strcmp(kind, "dumb") == 0;
}

struct tty *
tty_open(FILE *in, FILE *out)
{
	int fd = fileno(in);

	if (fd < 0 || fileno(out) < 0 || !isatty(fd) || !isatty(fileno(out)) || is_dumb())
		return NULL;
	unsigned width = width_of(fileno(out));
	if (width < NARROW_WIDTH || tcgetattr(fd, &terminal.cooked) != 0)
		return NULL;
	struct tty *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->in = fd;
	t->out = out;
	t->indent = width > LEAST_WIDTH ? INDENT : 0;
	terminal.fd = fd;
	terminal.out = fileno(out);
	terminal.raw = terminal.cooked;
	terminal.raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	terminal.raw.c_iflag &= ~(tcflag_t)IXON;
	terminal.raw.c_cc[VMIN] = 1;
	terminal.raw.c_cc[VTIME] = 0;
	catch_signals(t->former);
	if (tcsetattr(fd, TCSADRAIN, &terminal.raw) != 0) {
		tty_close(t);
		return NULL;
	}
	return t;
}

void
tty_close(struct tty *t)
{
	if (!t)
		return;
	tcsetattr(t->in, TCSADRAIN, &terminal.cooked);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		sigaction(caught[i], &t->former[i], NULL);
	wipe(t->ahead, sizeof(t->ahead));
	free(t);
}

/* The entry, the note in the line below it, and the cursor behind what was typed. */
static void
draw(const struct tty *t, const struct entry *e)
{
	char shown[FINGERPRINT_SIZE];
	size_t cursor;

	entry_show(e, shown, &cursor);
	fprintf(t->out, "\r\n\033[K%*s%s\033[A\r\033[K%*s%s\r", (int)t->indent, "", e->note,
		(int)t->indent, "", shown);
	if (t->indent + cursor > 0)
		fprintf(t->out, "\033[%zuC", t->indent + cursor);
	if (e->note[0])
		fputc('\a', t->out);
	fflush(t->out);
}

/* False: the end, or an error. A signal only makes the entry be drawn anew. */
static bool
more_input(struct tty *t, const struct entry *e)
{
	for (;;) {
		draw(t, e);
		ssize_t n = read(t->in, t->ahead, sizeof(t->ahead));
		if (n < 0 && errno == EINTR)
			continue;
		t->next = 0;
		t->n_ahead = n > 0 ? (size_t)n : 0;
		return n > 0;
	}
}

bool
tty_read(struct tty *t, char out[FINGERPRINT_SIZE])
{
	enum entry_result result = ENTRY_GOES_ON;
	struct entry e;
	bool ok = true;

	entry_init(&e);
	while (ok && result == ENTRY_GOES_ON) {
		if (t->next == t->n_ahead)
			ok = more_input(t, &e);
		else
			result = entry_byte(&e, t->ahead[t->next++]);
	}
	draw(t, &e);
	fputs("\r\n", t->out);
	entry_text(&e, out);
	return ok && result == ENTRY_DONE;
}
