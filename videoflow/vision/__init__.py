"""Pure algorithms on boxes and pictures: no node, no process, no model."""
