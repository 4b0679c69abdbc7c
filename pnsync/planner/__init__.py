"""What has to change: the pure middle, from what is declared, recorded and listed to an ordered plan; start in `table`."""
