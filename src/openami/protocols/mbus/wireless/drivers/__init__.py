"""What makers put into telegrams beyond the standard, as data: one TOML file per kind of meter, with its own tests."""
