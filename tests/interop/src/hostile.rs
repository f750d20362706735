//! A client that does its worst, while another one measures how that feels.
//!
//! [`attacks`] is the list of what it does, [`bystander`] is who must not notice. The attackers run with
//! the lowest priority, since on a network they would use processors of their own; what an attack costs
//! the machine all the same is measured with somebody else who is kept as busy ([`sink`]). Or the broker has
//! processors that nobody else uses, as it would on a machine of its own ([`apart`]).

pub mod apart;
pub mod attacks;
pub mod bystander;
pub mod report;
pub mod run;
pub mod sink;
