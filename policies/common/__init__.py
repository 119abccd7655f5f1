"""What several policies share: pure functions and value classes that know no policy."""
