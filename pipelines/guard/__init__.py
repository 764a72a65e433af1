"""Who may connect, and what a connection may do: keys, the allow-list, and the guard that keeps both."""
