"""Conversations that split off from others: their ids, and the messages that follow them."""
