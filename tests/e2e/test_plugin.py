"""The Dovecot plugin alone: a private Dovecot 2.3 with the shipped configuration."""
