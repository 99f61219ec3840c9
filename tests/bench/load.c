/* The two ends of what the benchmark sends through a tunnel: a server that is told by a
   connection's first byte what to do, and the clients that measure. Results go to standard output,
   a JSON object a line. */
#include "net.h"

#include <stdbool.h>
#include <sys/epoll.h>

#define BLOCK  (128 * 1024)
#define SMALL  (16 * 1024) /* read at once of one stream among many */
#define EVENTS 256

static uint8_t block[BLOCK];

/* ---- serve: the server ---- */

enum mode {
	MODE_LISTEN,
	MODE_NEW,    /* its first byte says which: */
	MODE_ECHO,   /* 'E' */
	MODE_SOURCE, /* 'S': sends for ever */
	/* 'B': a block of SMALL bytes for each further byte: thousands that are all active hold
	   little of the kernel's memory, of which TCP has not so much that each could fill its
	   buffers */
	MODE_BLOCKS
};

static void
watch(int poll, int fd, enum mode mode, int how)
{
	struct epoll_event e = {.events = mode == MODE_SOURCE ? EPOLLOUT : EPOLLIN,
		.data.u64 = (uint64_t)mode << 32 | (uint32_t)fd};
	if (epoll_ctl(poll, how, fd, &e) != 0)
		die("epoll_ctl");
}

static void
accept_all(int poll, int listener)
{
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		watch(poll, fd, MODE_NEW, EPOLL_CTL_ADD);
	}
}

static void
take_command(int poll, int fd)
{
	uint8_t command;

	if (recv(fd, &command, 1, 0) != 1) {
		close(fd);
		return;
	}
	enum mode mode = command == 'E' ? MODE_ECHO : command == 'B' ? MODE_BLOCKS : MODE_SOURCE;
	watch(poll, fd, mode, EPOLL_CTL_MOD);
}

static void
echo(int fd)
{
	ssize_t n = recv(fd, block, sizeof(block), 0);
	if (n <= 0 || send(fd, block, (size_t)n, 0) != n)
		close(fd);
}

/* Whoever asks has no more than two blocks on their way: the kernel takes them. */
static void
answer(int fd)
{
	uint8_t asked[64];
	ssize_t n = recv(fd, asked, sizeof(asked), 0);

	for (ssize_t i = 0; i < n; i++)
		if (send(fd, block, SMALL, 0) != SMALL)
			n = -1;
	if (n <= 0)
		close(fd);
}

static void
serve(long port)
{
	struct epoll_event events[EVENTS];
	int listener = listen_on(port), poll = epoll_create1(EPOLL_CLOEXEC);

	watch(poll, listener, MODE_LISTEN, EPOLL_CTL_ADD);
	for (;;) {
		int n = epoll_wait(poll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			int fd = (int)(uint32_t)events[i].data.u64;
			switch ((enum mode)(events[i].data.u64 >> 32)) {
			case MODE_LISTEN:
				accept_all(poll, fd);
				break;
			case MODE_NEW:
				take_command(poll, fd);
				break;
			case MODE_ECHO:
				echo(fd);
				break;
			case MODE_BLOCKS:
				answer(fd);
				break;
			case MODE_SOURCE:
				if (send(fd, block, sizeof(block), 0) < 0 && errno != EAGAIN)
					close(fd);
				break;
			}
		}
	}
}

/* ---- pull: n streams that take all they can get ---- */

struct puller {
	int poll;
	size_t n;
	bool blocks;   /* asks for each block */
	int *fds;
	uint64_t *got; /* bytes, by stream */
	uint32_t *part; /* of a block that is not complete */
};

static void
take(struct puller *p, size_t s)
{
	ssize_t got = recv(p->fds[s], block, p->blocks ? SMALL : BLOCK, MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		fprintf(stderr, "a stream has ended: %s\n", got == 0 ? "EOF" : strerror(errno));
		exit(1);
	}
	if (got < 0)
		return;
	p->got[s] += (uint64_t)got;
	p->part[s] += (uint32_t)got;
	for (; p->blocks && p->part[s] >= SMALL; p->part[s] -= SMALL)
		if (send(p->fds[s], "b", 1, 0) != 1)
			die("send");
}

static volatile sig_atomic_t enough;

static void
on_term(int number)
{
	(void)number;
	enough = 1;
}

/* Or until SIGTERM, once that is listened to. */
static void
pull_until(struct puller *p, uint64_t end)
{
	struct epoll_event events[EVENTS];

	for (uint64_t now; !enough && (now = now_ns()) < end;) {
		int n = epoll_wait(p->poll, events, EVENTS, (int)((end - now) / 1000000) + 1);
		for (int i = 0; i < n; i++)
			take(p, (size_t)events[i].data.u64);
	}
}

static void
pull_open(struct puller *p, long port, size_t n, bool blocks)
{
	const char *say = blocks ? "Bbb" : "S";

	p->n = n;
	p->blocks = blocks;
	p->poll = epoll_create1(EPOLL_CLOEXEC);
	p->fds = calloc(n, sizeof(*p->fds));
	p->got = calloc(n, sizeof(*p->got));
	p->part = calloc(n, sizeof(*p->part));
	for (size_t i = 0; i < n; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u64 = i};
		p->fds[i] = dial(port);
		if (send(p->fds[i], say, strlen(say), 0) != (ssize_t)strlen(say))
			die("send");
		if (epoll_ctl(p->poll, EPOLL_CTL_ADD, p->fds[i], &e) != 0)
			die("epoll_ctl");
		if (i % 64 == 63) /* those that are open already are not left waiting */
			pull_until(p, now_ns() + 1);
	}
}

/* Says when the time that counts begins and when it is over, so that others can look at the tunnel
   at these moments; that line has the result: of all streams together, and of the one that got
   least and most. */
static void
pull(long port, size_t n, bool blocks, long warm_ms, long ms)
{
	struct puller p;
	uint64_t sum = 0, least = UINT64_MAX, most = 0, start;

	pull_open(&p, port, n, blocks);
	pull_until(&p, now_ns() + (uint64_t)warm_ms * 1000000);
	signal(SIGTERM, on_term);
	memset(p.got, 0, n * sizeof(*p.got));
	puts("{\"begin\": true}");
	fflush(stdout);
	start = now_ns();
	pull_until(&p, start + (uint64_t)ms * 1000000);
	uint64_t ns = now_ns() - start;
	for (size_t i = 0; i < n; i++) {
		sum += p.got[i];
		least = p.got[i] < least ? p.got[i] : least;
		most = p.got[i] > most ? p.got[i] : most;
	}
	printf("{\"bytes\": %llu, \"ns\": %llu, \"least\": %llu, \"most\": %llu}\n",
		(unsigned long long)sum, (unsigned long long)ns, (unsigned long long)least,
		(unsigned long long)most);
}

/* ---- hold: n idle connections, each of which has carried a byte both ways ---- */

static void
hold(long port, size_t n)
{
	int *fds = calloc(n, sizeof(*fds));
	char c = 'x';

	for (size_t i = 0; i < n; i++) {
		fds[i] = dial(port);
		if (send(fds[i], "Ex", 2, 0) != 2)
			die("send");
		if (recv(fds[i], &c, 1, 0) != 1 || c != 'x')
			die("recv");
	}
	puts("{\"held\": true}");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

/* ---- redis: requests one after the other on one connection ---- */

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void
ask(int fd, const char *request, const char *answer)
{
	size_t n = strlen(request), want = strlen(answer), have = 0;
	char got[64];

	if (send(fd, request, n, 0) != (ssize_t)n)
		die("send");
	while (have < want) {
		ssize_t part = recv(fd, got + have, want - have, 0);
		if (part <= 0)
			die("recv");
		have += (size_t)part;
	}
	if (memcmp(got, answer, want) != 0) {
		fprintf(stderr, "the server answers something else: %.*s\n", (int)have, got);
		exit(1);
	}
}

#define SAMPLES_MAX 4000000

static void
redis(long port, long ms)
{
	uint64_t *taken = calloc(SAMPLES_MAX, sizeof(*taken)), start, end;
	size_t n = 0;
	int fd = dial(port);

	ask(fd, "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n", "+OK\r\n");
	for (int i = 0; i < 200; i++) /* warm */
		ask(fd, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", "$5\r\nvalue\r\n");
	for (end = now_ns() + (uint64_t)ms * 1000000; (start = now_ns()) < end && n < SAMPLES_MAX;
		n++) {
		ask(fd, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", "$5\r\nvalue\r\n");
		taken[n] = now_ns() - start;
	}
	qsort(taken, n, sizeof(*taken), compare);
	printf("{\"requests\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f, \"most_us\": %.2f}\n", n,
		(double)taken[n / 2] / 1e3, (double)taken[n - 1 - n / 100] / 1e3,
		(double)taken[n - 1] / 1e3);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	load_setup();
	if (strcmp(what, "serve") == 0 && argc == 3)
		serve(number(argv[2], 1, 65535));
	else if (strcmp(what, "pull") == 0 && argc == 6)
		pull(number(argv[2], 1, 65535), (size_t)number(argv[3], 1, 100000), false,
			number(argv[4], 0, 600000), number(argv[5], 1, 600000));
	else if (strcmp(what, "blocks") == 0 && argc == 6)
		pull(number(argv[2], 1, 65535), (size_t)number(argv[3], 1, 100000), true,
			number(argv[4], 0, 600000), number(argv[5], 1, 600000));
	else if (strcmp(what, "hold") == 0 && argc == 4)
		hold(number(argv[2], 1, 65535), (size_t)number(argv[3], 1, 100000));
	else if (strcmp(what, "redis") == 0 && argc == 4)
		redis(number(argv[2], 1, 65535), number(argv[3], 1, 600000));
	else {
		fputs("usage: load serve PORT | pull|blocks PORT STREAMS WARM-MS MS | hold PORT "
		      "CONNECTIONS | redis PORT MS\n",
			stderr);
		return 2;
	}
	return 0;
}
