"""What a board runs to join a portal: it pulls its work by HTTPS, measures, and says what it measured. Never loads torch."""
