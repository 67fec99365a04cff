"""Values at hand: what others read in the database itself."""
