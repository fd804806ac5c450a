"""How a flow is written."""
