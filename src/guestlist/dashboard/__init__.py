"""The pages that staff use, one package for each screen."""
