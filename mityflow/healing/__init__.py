"""Self-healing: a failure classified, a fix proposed, verified and undone if it did not help."""
