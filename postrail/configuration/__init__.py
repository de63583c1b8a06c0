"""What operators configure: typed models, `postrail.yaml`, and the tables that keep it."""
