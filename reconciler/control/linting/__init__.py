"""The search for code that writes the balance collections outside of the sync library."""
