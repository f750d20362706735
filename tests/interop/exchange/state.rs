//! Everything that is not records: users, rules, quotas, settings, groups of all kinds and
//! transactions of one broker's mean the same to the other one, which goes on with them.

use std::fmt::Debug;

use anyhow::{Context, Result};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::ports;
use limpid_protocol::codec::Request;

use crate::differential::side::Side;
use crate::facts::{self, Wire};

impl Wire for Side {
    fn ask<R>(&mut self, request: &R, version: i16) -> Result<R::Response>
    where
        R: Request,
        R::Response: Debug,
    {
        self.must(request, version)
    }
}

/// Ours, stopped in good order, then Kafka's, and ours again.
pub fn goes_to_kafka_and_back(lab: &mut Lab) -> Result<()> {
    there_and_back(lab, &[lab.kind().clone(), Kind::Kafka], Peer::stop)
}

/// Kafka's, killed, then ours, killed, and Kafka's again.
pub fn comes_from_a_killed_kafka_and_goes_back(lab: &mut Lab) -> Result<()> {
    let kill = |peer: &mut Peer| {
        peer.kill();
        Ok(())
    };
    there_and_back(lab, &[Kind::Kafka, lab.kind().clone()], kill)
}

fn there_and_back(
    lab: &Lab,
    [first, second]: &[Kind; 2],
    end: fn(&mut Peer) -> Result<()>,
) -> Result<()> {
    let way = format!("state-{}-then-{}-", first.name(), second.name());
    let folder = tempfile::Builder::new()
        .prefix(&way)
        .tempdir_in(lab.folder("exchange")?)?
        .keep();
    let mut peer = Peer::new(first.clone(), &lab.tools, &folder, &facts::SETTINGS)?;
    let guests = entrance(&mut peer)?;
    peer.format()?;
    peer.start()?;
    let mut side = Side::new("the first", &peer);
    facts::write(&mut side)?;
    let mut told = facts::dump(&mut side)?;
    facts::expect_all(&told)?;
    let is_feature = |name: &str| name.starts_with("feature ");
    let mut features = told.clone();
    features.retain(|name, _| is_feature(name));
    told.retain(|name, _| !is_feature(name));
    for (kind, round) in [second, first].into_iter().zip(1..=facts::ROUNDS) {
        end(&mut peer)?;
        peer.replace_kind(kind.clone());
        peer.start()?;
        let mut side = Side::new("the next", &peer);
        let mut guest = Side::new("the guest's", &peer);
        guest.port = guests;
        let now = facts::dump(&mut side)?;
        let name = format!("{} on the other's directory", kind.name());
        facts::compare(&told, &now).with_context(|| name.clone())?;
        facts::act(&mut side, &mut guest, round).with_context(|| name)?;
        told = facts::dump(&mut side)?;
        // Neither tells of a feature that only the other one has, but it must stay in the log.
        told.retain(|name, _| !is_feature(name));
        told.extend(features.clone());
    }
    peer.stop()
}

/// Gives the broker a second listener, with logins; its port.
fn entrance(peer: &mut Peer) -> Result<u16> {
    let guests = ports::next()?;
    let (plain, controller) = (peer.port(), peer.controller_port());
    let listeners = format!("PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{guests}");
    let all = format!("{listeners},CONTROLLER://127.0.0.1:{controller}");
    peer.set("listeners", &all);
    peer.set("advertised.listeners", &listeners);
    let map = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT";
    peer.set("listener.security.protocol.map", map);
    // Kafka wants to be told what SCRAM is.
    let key = "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config";
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    peer.set(key, module);
    for (key, value) in facts::LISTENERS.into_iter().chain(super::SESSION) {
        peer.set(key, value);
    }
    Ok(guests)
}
