//! JSON routes for machines: health and readiness.
