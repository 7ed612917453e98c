"""Reading from the web: which addresses vidctl goes to, and how much it takes from there."""
