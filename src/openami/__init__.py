"""OpenAMI: an advanced metering infrastructure that anyone can run."""

__version__ = "0.1.0.dev0"
