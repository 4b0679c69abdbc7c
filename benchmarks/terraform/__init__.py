"""pnsync and Terraform killed at the same points, before the same simulated vendor (`python -m benchmarks.terraform`)."""
