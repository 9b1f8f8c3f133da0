"""Second implementation of Assay's exact arithmetic, written from docs/numerics.md and docs/protocol.md alone."""
