"""How fast and how large: CPU seconds and peak memory of pnsync's commands on generated repositories."""
