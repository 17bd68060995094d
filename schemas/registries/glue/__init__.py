"""AWS Glue Schema Registry."""
