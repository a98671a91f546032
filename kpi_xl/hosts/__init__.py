"""Where the functions are called from. An adapter each, and nothing of a metric in any of them."""
