//! Tests that go over all messages.

mod layout;
mod oracle;
mod round_trip;
