"""Reads the tables for people: what commands and pages show. Nothing here writes."""
