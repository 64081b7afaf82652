"""Scores: pure functions, metrics for training, whole folders."""
