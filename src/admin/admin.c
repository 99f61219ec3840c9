/* Knows what there is to be opened and closed together. */
#include "admin/admin.h"

static void
on_end(void *arg)
{
	admin_close(arg);
}

bool
admin_open(struct admin *admin, struct node *node, struct inherited *inherited, struct errmsg *err)
{
	*admin = (struct admin){.control = NULL};
	node_at_end(node, on_end, admin);
	if (control_open(&admin->control, node, inherited, err) &&
		metrics_open(&admin->metrics, node, inherited, err))
		return true;
	admin_close(admin);
	return false;
}

void
admin_close(struct admin *admin)
{
	control_close(admin->control);
	metrics_close(admin->metrics);
	*admin = (struct admin){.control = NULL};
}
