/* Knows what the end of a handshake means and what mends it; how it was made is probe.c's. */
#include "cli/doctor.h"

#include <string.h>

#include "cli/names.h"

const char *
doctor_place(char out[DOCTOR_PLACE], const char *file, unsigned line)
{
	snprintf(out, DOCTOR_PLACE, "%s:%u", file ? file : "the configuration", line);
	return out;
}

const char *
doctor_address(const struct visit *v, char out[DOCTOR_PLACE])
{
	return doctor_place(out, v->peer->address.file, v->peer->address.line);
}

static bool
speaks_secureconn(const struct probe_facts *f)
{
	return strncmp(f->first, "SecureConn ", 11) == 0 || strcmp(f->first, "NONE") == 0;
}

/* Nothing was agreed on: perhaps somebody else lives there. */
static void
fail_protocol(const struct visit *v, const struct probe_facts *f)
{
	char at[DOCTOR_PLACE];

	doctor_address(v, at);
	if (f->first[0] && !speaks_secureconn(f)) {
		report_say(v->report, REPORT_FAIL, "protocol",
			"what answers at %s is not secureconn; it says: %s", v->endpoint->text,
			f->first);
		report_advice(v->report,
			"correct `address`, %s: it must be what `listen` in [node] says at %s", at,
			v->peer->name);
	} else if (f->first[0]) {
		report_say(v->report, REPORT_FAIL, "protocol", "%s", sc_error_text(f->error));
		report_advice(v->report, "one of the two nodes needs a newer version");
	} else if (f->error == SC_ERR_TIMEOUT) {
		report_say(v->report, REPORT_FAIL, "protocol",
			"%s takes the connection and says "
			"nothing",
			v->endpoint->text);
		report_advice(v->report,
			"it is another program, or a node that hangs: see there; `address` is at "
			"%s",
			at);
	} else {
		report_say(v->report, REPORT_FAIL, "protocol",
			"%s closes the connection without a "
			"word",
			v->endpoint->text);
		report_advice(v->report,
			"a node does that to a host that has too many connections there "
			"(caller_refused in its log); otherwise it is another program, or a "
			"firewall; `address` is at %s",
			at);
	}
}

static void
fail_asymmetric(const struct visit *v)
{
	const struct name_list *own = &v->d->config->node.asymmetric;
	struct names names;
	char at[DOCTOR_PLACE];

	names_init(&names);
	for (size_t i = 0; i < own->n; i++)
		names_add(&names, own->at[i]);
	report_say(v->report, REPORT_FAIL, "algorithms",
		"no kind of keys in common: this node offers %s", names_text(&names));
	report_advice(v->report,
		"add one that %s has to `asymmetric` in [node], %s, then run: %s init, and start "
		"the node again; or have one of these added there",
		v->peer->name,
		doctor_place(at, own->file ? own->file : v->d->config->files[0], own->line),
		v->d->program);
}

static void
fail_not_verified(const struct visit *v, const struct probe_facts *f)
{
	const char *name = v->peer->name;
	char at[DOCTOR_PLACE];
	char start[700] = "";
	bool another = keyring_has_verified(v->d->ring, name, f->info.asym);

	/* verify needs a key that waits, which a node notes and doctor does not. */
	if (!v->d->picture && !doctor_has_key(v->d, name, KEY_PENDING))
		snprintf(start, sizeof(start),
			"start this node (%s run), so that it keeps what it is shown; then ",
			v->d->program);
	switch (f->verdict) {
	case VERDICT_OTHER:
		report_say(
			v->report, REPORT_FAIL, "keys", "who answers is verified as another peer");
		report_advice(
			v->report, "`address`, %s, leads to the wrong node", doctor_address(v, at));
		break;
	case VERDICT_OWN:
		report_say(v->report, REPORT_FAIL, "keys", "it shows a key of this very node");
		report_advice(v->report,
			"`address`, %s, leads back here; or a state folder was copied: make "
			"another key there",
			doctor_address(v, at));
		break;
	case VERDICT_REVOKED:
		report_say(v->report, REPORT_FAIL, "keys", "it shows a key that was revoked here");
		report_advice(v->report,
			"it needs a new key: its operator runs `secureconn key rotate --now` "
			"there, and you verify that: %s verify %s",
			v->d->program, name);
		break;
	case VERDICT_WEAK:
		report_say(v->report, REPORT_FAIL, "keys",
			"it shows a weak key, which does not count");
		report_advice(v->report, "have a key of another kind made there");
		break;
	case VERDICT_UNKNOWN:
	case VERDICT_VERIFIED:
		report_say(v->report, REPORT_FAIL, "keys",
			another ? "it shows ANOTHER key than the one that is verified here"
				: "its key is not verified here");
		report_advice(v->report,
			another ? "%scall its operator on a number that you have. If the key was "
				  "replaced: %s verify %s. If not, somebody stands in between"
				: "%scall its operator on a number that you have, and run: %s "
				  "verify %s",
			start, v->d->program, name);
		break;
	}
}

static void
fail_rejected(const struct visit *v, const struct probe_facts *f)
{
	const struct key_pair *pair =
		keyring_pair(v->d->ring, v->peer->identity, f->info.asym, PAIR_CURRENT);

	report_say(v->report, REPORT_FAIL, "keys", "%s has not verified the %s key of this node",
		v->peer->name, f->info.asym->algorithm->name);
	report_advice(v->report,
		"its operator has to run `secureconn verify` there, and type what you read: %s",
		pair ? pair->fingerprint : "(see secureconn key)");
}

/* What was agreed before the handshake ended. */
static void
tell_agreed(const struct visit *v, const struct probe_facts *f)
{
	if (f->info.protocol)
		report_say(v->report, REPORT_OK, "protocol", "%s", f->info.protocol);
	if (f->info.protocol && f->info.asym && f->info.bulk)
		report_say(v->report, REPORT_OK, "algorithms", "%s, %s (computed here by %s)",
			f->info.asym->algorithm->name, f->info.bulk->algorithm->name,
			f->info.bulk->name);
}

static void
fail_handshake(const struct visit *v, const struct probe_facts *f)
{
	bool verified = f->verdict == VERDICT_VERIFIED;

	tell_agreed(v, f);
	if (f->error == SC_ERR_KEY_REJECTED) {
		fail_rejected(v, f);
	} else if (f->error == SC_ERR_KEY_NOT_VERIFIED) {
		fail_not_verified(v, f);
	} else if (f->error == SC_ERR_NO_ASYMMETRIC) {
		fail_asymmetric(v);
	} else if (!f->info.protocol) {
		fail_protocol(v, f);
	} else {
		report_say(v->report, REPORT_FAIL,
			!f->info.bulk ? "algorithms"
			: !verified   ? "keys"
				      : "session keys",
			"%s", sc_error_text(f->error));
		report_advice(v->report,
			"try again; if it stays, the log of %s says what it sees, and somebody may "
			"stand in between",
			v->peer->name);
	}
}

static void
tell_up(const struct visit *v, const struct probe_facts *f)
{
	tell_agreed(v, f);
	report_say(v->report, REPORT_OK, "keys", "each side accepts the other's");
	report_say(v->report, REPORT_OK, "session keys",
		"exchanged, and HELLO opened after %llu ms",
		(unsigned long long)(f->took / NS_PER_MS));
	if (strcmp(f->name, v->peer->name) != 0)
		report_say(v->report, REPORT_NOTE, "its name",
			"it calls itself %s; here it is %s, and that counts", f->name,
			v->peer->name);
}

void
doctor_handshake(const struct visit *v, const struct probe_facts *f)
{
	if (f->error == SC_OK)
		tell_up(v, f);
	else
		fail_handshake(v, f);
}
