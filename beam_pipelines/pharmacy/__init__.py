"""The main job: pharmacy events from Kafka to the lake."""
