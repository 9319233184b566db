"""Every exception that may cross a layer; those that the model raises are re-exported."""
