"""For FORMAT_MODULE_PATH: where the libraries of the United States write otherwise."""
