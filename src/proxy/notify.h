/* Tells the service manager that has started this process how it is doing, in the form of
   sd_notify(3). */
#ifndef SC_PROXY_NOTIFY_H
#define SC_PROXY_NOTIFY_H

/* Sends lines of "NAME=value" to $NOTIFY_SOCKET. Without that, or if nobody listens there, nothing
   happens: a node runs as well without a manager. */
void
notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "RELOADING=1", with the time that goes with it; to be followed by notify_send("READY=1"). */
void
notify_reloading(void);

#endif
