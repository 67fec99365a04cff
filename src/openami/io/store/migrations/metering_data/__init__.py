"""What the second schema changes and adds, one file per idea."""
