"""Python, read without running it: what it loads, from where, and what that may do.

``module.read`` makes of one file's text a small summary of its own; ``program.join`` joins the summaries of
a tree and yields load sites, references and evidence. Both are pure.
"""
