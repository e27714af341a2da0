"""What is measured, against what: programs of one command each, on servers of their own. Figures are in README.md."""
