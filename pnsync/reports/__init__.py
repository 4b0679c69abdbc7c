"""What people want to know: how things stand, what is coming, how full groups are."""
