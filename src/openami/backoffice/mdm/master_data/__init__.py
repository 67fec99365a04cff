"""The registry as a CSV file: read line by line, each taken or refused with its reason; written in the same form."""
