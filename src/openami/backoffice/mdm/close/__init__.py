"""Closing a day: every point judged at once, and what the metering company is measured by."""
