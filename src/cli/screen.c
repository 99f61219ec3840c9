/* Knows the terminal of `status --watch`: its modes, its keys, its size. */
#include "cli/screen.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define ENTER   "\033[?1049h\033[?25l\033[?7l" /* the other screen, no cursor, lines that end */
#define LEAVE   "\033[?7h\033[?25h\033[?1049l"
#define HOME    "\033[H"
#define REST    "\033[K" /* of the line: clear */
#define BELOW   "\033[J"
#define REVERSE "\033[7m"
#define PLAIN   "\033[0m"

static volatile sig_atomic_t stopped;

static struct {
	bool open;
	int fd;
	size_t first, shown; /* lines: above what is shown, and of that */
	struct termios before;
} terminal;

static void
on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static struct winsize
size_of(FILE *out)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return (struct winsize){.ws_row = 24, .ws_col = 80};
	return size;
}

unsigned
screen_width(FILE *out)
{
	bool terminal_there = fileno(out) >= 0 && isatty(fileno(out));
	return terminal_there ? size_of(out).ws_col : UINT_MAX;
}

static bool
is_terminal(FILE *file)
{
	const char *kind = getenv("TERM");
	return fileno(file) >= 0 && isatty(fileno(file)) && kind && kind[0] &&
	       strcmp(kind, "dumb") != 0;
}

bool
screen_has_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR");
	return is_terminal(out) && (!no || !no[0]);
}

bool
screen_open(FILE *in, FILE *out, bool page)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	const struct sigaction action = {.sa_handler = on_signal};

	stopped = 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	if (!page || !is_terminal(in) || !is_terminal(out) ||
		tcgetattr(fileno(in), &terminal.before) != 0)
		return false;
	struct termios raw = terminal.before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG); /* Ctrl-Z too: it would leave this page */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	terminal.fd = fileno(in);
	terminal.first = 0;
	terminal.open = tcsetattr(terminal.fd, TCSADRAIN, &raw) == 0;
	if (terminal.open)
		fputs(ENTER, out);
	return terminal.open;
}

static size_t
count_lines(const char *page)
{
	size_t n = 0;

	for (; *page; n++) {
		page += strcspn(page, "\n");
		page += *page == '\n';
	}
	return n;
}

static void
show_lines(FILE *out, const char *page, size_t skip, size_t n)
{
	for (size_t i = 0; *page && i < skip + n; i++) {
		size_t length = strcspn(page, "\n");
		if (i > skip)
			fputs("\r\n", out);
		if (i >= skip) {
			fwrite(page, 1, length, out);
			fputs(REST, out);
		}
		page += length + (page[length] == '\n');
	}
}

void
screen_show(FILE *out, const char *page)
{
	size_t lines = count_lines(page), rows = size_of(out).ws_row;
	size_t shown = lines <= rows ? lines : rows > 1 ? rows - 1 : 1;

	if (terminal.first > lines - shown)
		terminal.first = lines - shown;
	terminal.shown = shown;
	fputs(HOME, out);
	show_lines(out, page, terminal.first, shown);
	if (shown < lines && rows > 1)
		fprintf(out, "\r\n" REVERSE "lines %zu to %zu of %zu: arrows, space, b" PLAIN REST,
			terminal.first + 1, terminal.first + shown, lines);
	else if (shown < rows)
		fputs("\r\n" BELOW, out);
	fflush(out);
}

static unsigned long long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000 + (unsigned long long)t.tv_nsec / 1000000;
}

/* ---- keys ---- */

enum move { MOVE_NOT, MOVE_END, MOVE_DOWN, MOVE_UP, MOVE_NEXT, MOVE_BACK, MOVE_TOP, MOVE_BOTTOM };

static const struct {
	const char *key;
	enum move move;
} keys[] = {
	{"q", MOVE_END},
	{"Q", MOVE_END},
	{"\3", MOVE_END},
	{"\4", MOVE_END}, /* Ctrl-C, Ctrl-D */
	{"j", MOVE_DOWN},
	{"\r", MOVE_DOWN},
	{"\n", MOVE_DOWN},
	{"\033[B", MOVE_DOWN},
	{"\033OB", MOVE_DOWN},
	{"k", MOVE_UP},
	{"\033[A", MOVE_UP},
	{"\033OA", MOVE_UP},
	{" ", MOVE_NEXT},
	{"f", MOVE_NEXT},
	{"\033[6~", MOVE_NEXT},
	{"b", MOVE_BACK},
	{"\033[5~", MOVE_BACK},
	{"g", MOVE_TOP},
	{"\033[H", MOVE_TOP},
	{"\033OH", MOVE_TOP},
	{"\033[1~", MOVE_TOP},
	{"G", MOVE_BOTTOM},
	{"\033[F", MOVE_BOTTOM},
	{"\033OF", MOVE_BOTTOM},
	{"\033[4~", MOVE_BOTTOM},
};

/* Bytes of the key that this begins with: one, or those of an escape sequence. */
static size_t
key_length(const char *text, size_t n)
{
	size_t i = 2;

	if (n < 3 || text[0] != '\033' || (text[1] != '[' && text[1] != 'O'))
		return 1;
	while (i < n - 1 && (text[i] < 0x40 || text[i] > 0x7e))
		i++;
	return i + 1;
}

static enum move
find_move(const char *text, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].key) == n && memcmp(keys[i].key, text, n) == 0)
			return keys[i].move;
	return MOVE_NOT;
}

/* screen_show sees to it that this does not lead beyond the page. */
static void
move_page(enum move move)
{
	size_t *first = &terminal.first, page = terminal.shown > 1 ? terminal.shown - 1 : 1;

	if (move == MOVE_DOWN || move == MOVE_NEXT)
		*first += move == MOVE_DOWN ? 1 : page;
	else if (move == MOVE_UP)
		*first -= *first > 0;
	else if (move == MOVE_BACK)
		*first -= *first < page ? *first : page;
	else if (move == MOVE_TOP || move == MOVE_BOTTOM)
		*first = move == MOVE_TOP ? 0 : SIZE_MAX / 2;
}

/* Keys were pressed: the last thing that one of them wants; MOVE_END if one ends. */
static enum move
take_keys(int fd)
{
	enum move all = MOVE_NOT;
	char text[64];
	ssize_t n = read(fd, text, sizeof(text));

	if (n < 0 && errno == EINTR)
		return MOVE_NOT;
	if (n <= 0)
		return MOVE_END;
	for (size_t at = 0, length; at < (size_t)n; at += length) {
		length = key_length(text + at, (size_t)n - at);
		enum move move = find_move(text + at, length);
		if (move == MOVE_END)
			return MOVE_END;
		move_page(move);
		all = move ? move : all;
	}
	return all;
}

bool
screen_wait(FILE *in, unsigned ms)
{
	unsigned long long end = now_ms() + ms, now;
	struct pollfd input = {.fd = terminal.open ? fileno(in) : -1, .events = POLLIN};
	enum move move = MOVE_NOT;

	while (!stopped && move == MOVE_NOT && (now = now_ms()) < end)
		if (poll(&input, 1, (int)(end - now)) > 0)
			move = take_keys(input.fd);
	return !stopped && move != MOVE_END;
}

void
screen_close(FILE *out)
{
	if (!terminal.open)
		return;
	fputs(LEAVE, out);
	fflush(out);
	tcsetattr(terminal.fd, TCSADRAIN, &terminal.before);
	terminal.open = false;
}
