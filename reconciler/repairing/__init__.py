"""The guarded repair: plan, guard, approve, apply. It knows no database and no surface."""
