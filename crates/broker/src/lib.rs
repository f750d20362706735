//! Listeners, connections and one file per Kafka API.
