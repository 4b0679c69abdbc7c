"""What may happen: limits and protection, holds and freezes, and the policy last applied."""
