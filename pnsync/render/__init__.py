"""How things are shown: one file for each form. Renderers read documents and reports, never the plan itself."""
