/* Knows the names and texts of errors; knows nothing of what causes them. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name, *text;
} errors[SC_ERROR_COUNT] = {
#define X(symbol, name, text) [symbol] = {name, text},
	SC_ERRORS(X)
#undef X
};

const char *
sc_error_name(enum sc_error error)
{
	return (unsigned)error < SC_ERROR_COUNT ? errors[error].name : "internal";
}

const char *
sc_error_text(enum sc_error error)
{
	return (unsigned)error < SC_ERROR_COUNT ? errors[error].text : "unknown error";
}

enum sc_error
errmsg_set(struct errmsg *err, enum sc_error code, const char *format, ...)
{
	if (err) {
		va_list args;
		va_start(args, format);
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return code;
}
