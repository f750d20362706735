//! Users of SCRAM.

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;

use super::stronghold::{CONFIGS, PASSWORD, Stronghold, Way};

const WAYS: [Way; 2] = [Way::Sasl("SCRAM-SHA-256"), Way::SaslTls("SCRAM-SHA-512")];

fn gets_in(hold: &Stronghold, user: &str, password: &str) -> Result<Vec<bool>> {
    let ways = WAYS.iter();
    ways.map(|way| hold.admits((*way, user, password)))
        .collect()
}

/// `kafka-configs --entity-type users`: made, given another password, removed; all of it outlives a
/// restart.
pub fn are_made_changed_and_removed(lab: &mut Lab) -> Result<()> {
    let mut hold = Stronghold::start(lab, "users", &[], &[])?;
    ensure!(
        gets_in(&hold, "carol", PASSWORD)? == [false, false],
        "nobody made carol"
    );
    hold.make_user("carol", PASSWORD)?;
    ensure!(
        gets_in(&hold, "carol", PASSWORD)? == [true, true],
        "carol can't log in"
    );
    hold.make_user("carol", "another")?;
    ensure!(
        gets_in(&hold, "carol", PASSWORD)? == [false, false],
        "the old password holds"
    );
    hold.peer.stop()?;
    hold.peer.start()?;
    ensure!(
        gets_in(&hold, "carol", "another")? == [true, true],
        "the new one is forgotten"
    );
    let entity = ["--entity-type", "users", "--entity-name", "carol"];
    let remove = ["--alter", "--delete-config", "SCRAM-SHA-256"];
    hold.administer(CONFIGS, &[&remove[..], &entity].concat())?;
    ensure!(
        gets_in(&hold, "carol", "another")? == [false, true],
        "half of carol is gone"
    );
    let log = hold.peer.log();
    ensure!(
        !log.contains(PASSWORD) && !log.contains("another"),
        "a password is in the log"
    );
    Ok(())
}

/// `storage format --add-scram`.
pub fn the_first_ones_come_with_the_format(lab: &mut Lab) -> Result<()> {
    let format = [
        "--add-scram",
        "SCRAM-SHA-256=[name=first,password=first-secret]",
        "--add-scram",
        "SCRAM-SHA-512=[name=first,password=first-secret,iterations=8192]",
    ];
    let hold = Stronghold::start(lab, "first-users", &[], &format)?;
    let found = gets_in(&hold, "first", "first-secret").context("the first user")?;
    ensure!(
        found == [true, true],
        "the first user can't log in: {found:?}"
    );
    Ok(())
}
