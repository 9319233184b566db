"""MongoDB adapters: driver errors stop here."""
