//! Tests against real Kafka clients, tools and Apache Kafka itself.
