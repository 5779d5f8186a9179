"""What the readers can show of an artifact to somebody who looks at one: tables, one a thing of interest."""
