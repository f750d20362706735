//! Tests that go over all messages.

mod budget;
mod layout;
mod oracle;
mod round_trip;
