"""How a plan is carried out: each call between its durable intent and outcome; start in `applying`."""
