//! A client that does its worst, while another one measures how that feels.
//!
//! [`attacks`] is the list of what it does, [`bystander`] is who must not notice. The attackers run with
//! the lowest priority, since on a network they would use processors of their own.

pub mod attacks;
pub mod bystander;
pub mod report;
pub mod run;
mod talk;
