"""The audit trail: written through a port, proven record by record, signed outside the database."""
