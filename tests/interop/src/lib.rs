//! The harness of the interop tests: tools, peers and processes.
