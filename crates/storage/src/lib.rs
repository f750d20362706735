//! The commit log and the metadata log, in Kafka's own files.
