"""One module per command or noun, imported when the command is called."""
