"""The bill of materials: values in, documents out. Pure: no walking, no network, no judgement."""
