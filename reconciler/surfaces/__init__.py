"""What people and machines see: command line, answers, logs. Decides nothing about balances."""
