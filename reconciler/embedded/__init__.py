"""A real MongoDB on loopback for the demo, the tests and the benchmarks."""
