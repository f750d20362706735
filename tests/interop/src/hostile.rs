//! A client that does its worst, while another one measures how that feels.
//!
//! [`attacks`] is the list of what it does, [`bystander`] is who must not notice. The attackers run with
//! the lowest priority, since on a network they would use processors of their own; what an attack costs
//! the machine all the same is measured with somebody else who is kept as busy ([`sink`]).

pub mod attacks;
pub mod bystander;
pub mod report;
pub mod run;
pub mod sink;
