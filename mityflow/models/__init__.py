"""The files mityflow reads, as pydantic models. The JSON Schemas in ``schemas/`` are generated from them."""
