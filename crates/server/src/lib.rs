//! Composition root: configuration in, running server out.
