"""A local installation (`postrail up`): its servers, services and screen."""
