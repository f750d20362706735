//! Members of KafkaJS, kafka-python and kcat share the partitions of a topic.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::member::{Member, read_once, settled};
use limpid_interop::process::run;
use limpid_interop::tools::helpers;

use super::{Client, Values, values, write};

const PARTITIONS: usize = 3;
const LIMIT: Duration = Duration::from_secs(60);

/// Two, three and four members on three partitions: each record is read once, and a fourth member
/// idles. Each size is a group of its own that reads everything.
pub fn partitions_are_shared_and_the_fourth_member_idles(lab: &mut Lab) -> Result<()> {
    for client in Client::ALL {
        let topic = format!("shared-{}", client.name());
        lab.create_topic(&topic, i32::try_from(PARTITIONS)?)?;
        let values = values("v", PARTITIONS, 20);
        write(lab, &topic, &values)?;
        for (size, shares) in [(2, vec![1, 2]), (3, vec![1, 1, 1]), (4, vec![0, 1, 1, 1])] {
            share(lab, client, &topic, (size, &shares), &values)
                .with_context(|| format!("{size} members of {}", client.name()))?;
        }
    }
    Ok(())
}

fn share(
    lab: &mut Lab,
    client: Client,
    topic: &str,
    (size, shares): (usize, &[usize]),
    values: &Values,
) -> Result<()> {
    let group = format!("{topic}-by-{size}");
    let mut members = (0..size)
        .map(|number| client.member(lab, topic, &group, number))
        .collect::<Result<Vec<Member>>>()?;
    let mut sizes = settled(&mut members, i32::try_from(PARTITIONS)?)?;
    sizes.sort_unstable();
    ensure!(sizes == shares, "members own {sizes:?} partitions");
    // Whoever read a partition before the last rebalance has committed by then or reads it again:
    // what was read once is looked at in what comes now.
    let read: Vec<&Member> = members.iter().collect();
    read_at_least_once(&read, values)?;
    members.into_iter().try_for_each(Member::leave)
}

/// Every value was read by somebody, from the first offset on.
fn read_at_least_once(members: &[&Member], values: &Values) -> Result<()> {
    limpid_interop::process::wait_for("every value", LIMIT, || {
        let mut missing = 0;
        for (partition, values) in values.iter().enumerate() {
            let partition = i32::try_from(partition)?;
            let read: Vec<_> = members.iter().map(|member| member.read()).collect();
            for (offset, value) in values.iter().enumerate() {
                let record = (i64::try_from(offset)?, value.clone());
                let has = |read: &limpid_interop::member::Read| {
                    read.get(&partition).is_some_and(|r| r.contains(&record))
                };
                missing += usize::from(!read.iter().any(has));
            }
        }
        Ok((missing == 0).then_some(()))
    })
}

/// KafkaJS writes, and two groups of one member each see every message once.
pub fn two_groups_each_see_every_message(lab: &mut Lab) -> Result<()> {
    let topic = "two-groups";
    lab.create_topic(topic, i32::try_from(PARTITIONS)?)?;
    let values = values("m", PARTITIONS, 15);
    let messages: Vec<serde_json::Value> = values
        .iter()
        .enumerate()
        .flat_map(|(partition, values)| values.iter().map(move |value| (partition, value)))
        .map(|(partition, value)| serde_json::json!({"partition": partition, "value": value}))
        .collect();
    let address = lab.address()?;
    let mut node = lab.tools.node()?;
    node.arg(helpers().join("node/client.js"));
    node.args(["produce", &address, topic]);
    let input = serde_json::to_vec(&messages)?;
    let written = run(&mut node, &input, LIMIT)?.success()?.text();
    ensure!(
        written.matches("written").count() == PARTITIONS,
        "{written}"
    );
    let one = Client::KafkaJs.member(lab, topic, "two-groups-a", 0)?;
    let other = Client::Python.member(lab, topic, "two-groups-b", 0)?;
    read_once(&[&one], &values)?;
    read_once(&[&other], &values)?;
    one.leave()?;
    other.leave()
}

/// A member that is killed loses its partitions to the others once its session is over.
pub fn a_killed_members_partitions_are_taken_over(lab: &mut Lab) -> Result<()> {
    for client in Client::ALL {
        let topic = format!("taken-over-{}", client.name());
        lab.create_topic(&topic, i32::try_from(PARTITIONS)?)?;
        let mut members = (0..2)
            .map(|number| client.member(lab, &topic, &topic, number))
            .collect::<Result<Vec<Member>>>()?;
        settled(&mut members, i32::try_from(PARTITIONS)?)?;
        members.remove(0).kill();
        let sizes = settled(&mut members, i32::try_from(PARTITIONS)?)
            .with_context(|| format!("after a member of {} was killed", client.name()))?;
        ensure!(sizes == [PARTITIONS]);
        let values = values("after", PARTITIONS, 5);
        write(lab, &topic, &values)?;
        read_once(&[&members[0]], &values)?;
        members.into_iter().try_for_each(Member::leave)?;
    }
    Ok(())
}
