"""What can be measured on one's own machine and site: ``python -m benchmarks`` lists it."""
