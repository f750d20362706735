//! Kafka's property names and ours in one table.
