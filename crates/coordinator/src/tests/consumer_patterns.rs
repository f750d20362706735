//! What patterns mean, to whom.

use limpid_protocol::ErrorCode;

use super::consumers::Reader;
use super::*;
use crate::ConsumerChange;

fn reader(id: &str, pattern: &str) -> Reader {
    let mut reader = Reader::new(id);
    reader.topics.clear();
    reader.regex = Some(pattern.to_owned());
    reader
}

fn of(reader: &Reader) -> Vec<&str> {
    reader.has.keys().map(String::as_str).collect()
}

/// How often it was written what patterns mean.
fn written(world: &World) -> usize {
    let of_pattern = |record: &&Record| {
        let Record::Consumer { change, .. } = record else {
            return false;
        };
        matches!(change, ConsumerChange::Regex(..))
    };
    world.log.iter().filter(of_pattern).count()
}

#[test]
fn a_pattern_means_the_topics_that_its_member_may_describe() {
    let mut world = World::reading(&[("logs-a", 1), ("logs-b", 1)]);
    world.hidden = vec!["logs-b", "logs-d"];
    let mut one = reader("one", "logs-.*");
    one.beat(&mut world);
    assert_eq!(of(&one), ["logs-a"]);
    world.set_topics(&[("logs-a", 1), ("logs-b", 1), ("logs-c", 1), ("logs-d", 1)]);
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(of(&one), ["logs-a", "logs-c"]);
    // A name is no pattern: whether it may be read is for others to say.
    one.topics = vec!["logs-d".to_owned()];
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(of(&one), ["logs-a", "logs-c", "logs-d"]);
}

#[test]
fn what_may_be_described_is_looked_at_from_time_to_time() {
    let mut world = World::reading(&[("logs-a", 1), ("logs-b", 1)]);
    world.hidden = vec!["logs-b"];
    let mut one = reader("one", "logs-.*");
    world.converge(std::slice::from_mut(&mut one));
    world.hidden.clear();
    for _ in 0..59 {
        world.now.mono_ms += 10_000;
        one.beat(&mut world);
    }
    assert_eq!((of(&one), written(&world)), (vec!["logs-a"], 1));
    world.now.mono_ms += 10_000;
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!((of(&one), written(&world)), (vec!["logs-a", "logs-b"], 2));
    world.hidden = vec!["logs-a", "logs-b"];
    world.now.mono_ms += 600_000;
    let before = one.epoch;
    let error = one.beat(&mut world);
    assert_eq!(error, ErrorCode::None);
    world.converge(std::slice::from_mut(&mut one));
    assert!(one.has.is_empty() && one.epoch > before);
    world.now.mono_ms += 600_000;
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(written(&world), 3, "what did not change is not written");
}

#[test]
fn a_pattern_that_could_not_be_written_is_matched_again() {
    let mut world = World::reading(&[("logs-a", 1)]);
    let mut one = reader("one", "logs-.*");
    one.beat(&mut world);
    world.set_topics(&[("logs-a", 1), ("logs-b", 1)]);
    world.fails = Some(ErrorCode::NotCoordinator);
    let request = one.request();
    assert!(world.beat_consumer(request).is_err());
    world.fails = None;
    world.converge(std::slice::from_mut(&mut one));
    assert_eq!(of(&one), ["logs-a", "logs-b"]);
}
