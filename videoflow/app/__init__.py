"""For people: configs, the command line, progress and reports."""
