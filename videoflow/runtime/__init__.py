"""How a flow runs: plan, processes, channels, slots, and the ledger."""
