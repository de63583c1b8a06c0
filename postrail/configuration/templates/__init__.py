"""The templates of messages, as operators configure them."""
