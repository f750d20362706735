//! Metric declarations, registry, stage clock, pools and logging.
