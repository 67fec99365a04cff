"""The public interface for programs: readings as JSON and as streams, by token."""
