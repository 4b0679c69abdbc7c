"""Who rings: what calls do now, and what they will do after each step of a plan."""
