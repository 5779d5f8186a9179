"""The severity rubric: its data, the rules' data, the judge."""
