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
	if (!control_open(&admin->control, node, inherited, err))
		return false;
	node_at_end(node, on_end, admin);
	return true;
}

void
admin_close(struct admin *admin)
{
	control_close(admin->control);
	admin->control = NULL;
}
