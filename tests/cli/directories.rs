//! Several log directories, of which one fails.

use std::path::{Path, PathBuf};

use crate::broker::Setup;
use crate::wire::{Client, topic_for};

const TOPICS: [&str; 4] = ["a", "b", "c", "d"];

fn logs_in(dir: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let is_log = |path: &PathBuf| TOPICS.iter().any(|t| path.ends_with(format!("{t}-0")));
    let mut logs: Vec<_> = all.filter(is_log).collect();
    logs.sort();
    logs
}

#[test]
fn a_directory_that_failed_is_waited_for_and_not_replaced() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (root.path().join("one"), root.path().join("two"));
    let setup = Setup::new(&one).set(format!("log.dirs={},{}", one.display(), two.display()));
    let broker = setup.start();
    for topic in TOPICS {
        topic_for(&broker, topic, &[]);
    }
    broker.stop();
    assert!(!logs_in(&one).is_empty(), "both directories are used");
    let lost = logs_in(&two);
    assert!(!lost.is_empty(), "both directories are used");

    // A segment that can't be opened: the directory fails, and its other logs with it.
    let segment = lost[0].join("00000000000000000000.log");
    let kept = root.path().join("kept");
    std::fs::rename(&segment, &kept).unwrap();
    std::fs::create_dir(&segment).unwrap();
    let before = logs_in(&one);
    let broker = setup.start();
    let mut client = Client::new(&broker);
    let served = |client: &mut Client| {
        let codes = TOPICS.map(|topic| client.fetch(topic, 0).unwrap().0);
        codes.into_iter().filter(|code| *code == 0).count()
    };
    assert_eq!(served(&mut client), before.len());
    assert_eq!(client.create_topic("new", &[]).unwrap(), 0);
    assert_eq!(
        logs_in(&one),
        before,
        "nothing was made in place of what is there"
    );
    let ended = broker.stop();
    assert!(
        ended.output.contains("the directory that failed"),
        "{ended:?}"
    );

    std::fs::remove_dir(&segment).unwrap();
    std::fs::rename(&kept, &segment).unwrap();
    let broker = setup.start();
    let mut client = Client::new(&broker);
    assert_eq!(served(&mut client), TOPICS.len());
    for topic in TOPICS {
        assert_eq!(
            client.fetch(topic, 0).unwrap().1,
            1,
            "{topic} has its record"
        );
    }
}
