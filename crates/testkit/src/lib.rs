//! Fixtures for tests; depends on no room above platform.
