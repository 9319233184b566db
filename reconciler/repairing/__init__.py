"""The guarded repair: plan, guard, approve, apply. It reaches the database through ports alone."""
