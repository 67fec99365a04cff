"""Billing determinants: what a tariff needs of a period, frozen per run, told again as differences."""
