/* Knows the terminal of `status --watch`: its modes, its keys, its size. */
#include "cli/screen.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CTRL_C 3
#define CTRL_D 4

#define ENTER "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"
#define HOME  "\033[H"
#define REST  "\033[K" /* of the line: clear */
#define BELOW "\033[J"

static volatile sig_atomic_t stopped;

static struct {
	bool open;
	int fd;
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
	terminal.open = tcsetattr(terminal.fd, TCSADRAIN, &raw) == 0;
	if (terminal.open)
		fputs(ENTER, out);
	return terminal.open;
}

void
screen_show(FILE *out, const char *page)
{
	unsigned left = size_of(out).ws_row;

	fputs(HOME, out);
	while (*page && left > 0) {
		size_t n = strcspn(page, "\n");
		fwrite(page, 1, n, out);
		fputs(REST, out);
		page += n + (page[n] == '\n');
		left--;
		if (*page && left > 0)
			fputs("\r\n", out);
	}
	if (left > 0)
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

/* A key was pressed. False: one that ends. */
static bool
take_key(int fd)
{
	char key;
	ssize_t n = read(fd, &key, 1);

	if (n < 0 && errno == EINTR)
		return true;
	return n == 1 && key != 'q' && key != 'Q' && key != CTRL_C && key != CTRL_D;
}

bool
screen_wait(FILE *in, unsigned ms)
{
	unsigned long long end = now_ms() + ms, now;
	struct pollfd keys = {.fd = terminal.open ? fileno(in) : -1, .events = POLLIN};

	while (!stopped && (now = now_ms()) < end)
		if (poll(&keys, 1, (int)(end - now)) > 0 && !take_key(keys.fd))
			return false;
	return !stopped;
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
