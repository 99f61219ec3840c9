/* Knows Linux's TCP_INFO, and what depends on it. */
#include "proxy/tcp_state.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#define SHORT_WAY_US 100 /* least round trip: no more than 256 KiB then limit to 2.5 GB/s */

bool
tcp_state_get(int fd, struct tcp_state *state)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
		size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
		return false;
	state->acknowledged = info.tcpi_bytes_acked;
	state->since_last_ms = info.tcpi_last_ack_recv;
	return true;
}

bool
tcp_bound_received(int fd, int bytes)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
		size < offsetof(struct tcp_info, tcpi_min_rtt) + sizeof(info.tcpi_min_rtt) ||
		info.tcpi_min_rtt >= SHORT_WAY_US)
		return false;
	return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) == 0;
}
