"""Runs other parsers and mail readers, which the benches measure beside ours."""
