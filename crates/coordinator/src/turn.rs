//! What a step of a group works with.

use crate::limits::{Limits, Now};
use crate::out::Out;
use crate::timers::Timers;
use crate::topics::Topics;

/// One moment, and what is around the group.
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) limits: &'a Limits,
    pub(crate) topics: &'a Topics,
    pub(crate) timers: &'a mut Timers,
    pub(crate) out: &'a mut Out,
}
