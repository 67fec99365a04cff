"""How radio sticks hand over what they heard: one parser of a byte stream per framing, none of them touches a port."""
