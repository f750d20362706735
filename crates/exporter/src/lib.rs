//! The /metrics page: one file per collector, naming dialects.
