"""The demo site: a fictional harbour town's pages, the server that hands them out, and judged questions about them."""
