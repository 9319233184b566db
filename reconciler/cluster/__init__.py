"""Exact scans on the workers of a Dask cluster; nothing is imported of Dask before it is used."""
