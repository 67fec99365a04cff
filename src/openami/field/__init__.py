"""Meters, collectors and homes: what stands at the premises and in the neighbourhood."""
