/* Tests admin/metrics_text.c: the lines of each family stand together, whatever there is; the
   figures are tests/e2e/test_metrics.py's. */
#include "unit.h"

#include "admin/metrics_text.h"
#include "proxy/tally.h"
#include "scratch.h"

static struct status *
empty(void)
{
	static const char text[] = "[node]\nname = a\n";
	struct scratch s;
	struct config *c;
	struct errmsg err;

	scratch_init(&s);
	scratch_write(&s, "x.ini", text, strlen(text));
	assert_int_equal(config_load(&c, scratch_path(&s, "x.ini"), &err), SC_OK);
	scratch_fini(&s);
	struct status *status = status_new(c);
	assert_non_null(status);
	config_free(c);
	return status;
}

static char *
write_all(const struct status *s, struct text *out, size_t largest)
{
	struct metrics_text m;
	size_t before = 0;
	bool more = true;

	text_init(out);
	metrics_text_init(&m, s);
	while (more) {
		more = metrics_text_more(&m, out);
		assert_in_range(out->size - before, 0, largest);
		before = out->size;
	}
	text_add(out, "", 1);
	assert_false(out->failed);
	return out->data;
}

static void
test_nothing(void **state)
{
	struct status *s = empty();
	struct text out;
	char *text = write_all(s, &out, 3000);
	(void)state;

	assert_non_null(strstr(text, "secureconn_info{name=\"a\",version="));
	assert_non_null(
		strstr(text, "# TYPE secureconn_peer_up gauge\n# HELP secureconn_peer_links "));
	assert_non_null(strstr(text, "# TYPE secureconn_refused_total counter\n"));
	text_fini(&out);
	status_free(s);
}

static void
test_families(void **state)
{
	struct status *s = empty();
	struct status_sorter sorter;
	struct text out;
	(void)state;

	assert_true(status_sorter_init(&sorter, s, 2));
	status_sorter_add(&sorter, status_peer_new(&s->memory_of, "q", 0, 0));
	struct status_peer *p = status_peer_new(&s->memory_of, "p", 2, 0);
	p->links[p->n_links++].streams = 3;
	p->links[p->n_links++].streams = 4;
	p->bytes_in = 1ull << 50;
	p->suspended = 9;
	status_sorter_add(&sorter, p);
	status_sorter_end(&sorter);
	tally_get(&s->tallies, TALLY_ROUTE, "r")->total = 5;
	tally_get(&s->tallies, TALLY_SERVICE, "")->refused[TALLY_DENIED] = 6;
	char *text = write_all(s, &out, 3000);
	assert_non_null(strstr(text, "# TYPE secureconn_peer_streams gauge\n"
				     "secureconn_peer_streams{peer=\"p\"} 7\n"
				     "secureconn_peer_streams{peer=\"q\"} 0\n"
				     "# HELP secureconn_peer_waiting "));
	assert_non_null(strstr(text, "# TYPE secureconn_peer_suspended gauge\n"
				     "secureconn_peer_suspended{peer=\"p\"} 9\n"));
	assert_non_null(strstr(
		text, "secureconn_peer_received_bytes_total{peer=\"p\"} 1125899906842624\n"));
	assert_non_null(strstr(text, "# TYPE secureconn_connections_total counter\n"
				     "secureconn_connections_total{route=\"r\"} 5\n"
				     "# HELP secureconn_received_bytes_total "));
	assert_non_null(
		strstr(text, "secureconn_refused_total{service=\"\",reason=\"denied\"} 6\n"));
	text_fini(&out);
	status_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_families),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
